/*
 * A disk that keeps only what was flushed: whatever is, is copied to a folder beside it.
 *
 * DENGWEN_DISK names the folder that lies on this disk, DENGWEN_KEPT the one with the copies:
 * file-INODE holds a file's bytes, folder-INODE the lines "f INODE NAME" and "d INODE NAME" of a
 * folder. tests/faults/power.py makes a folder of them again, as it is after a loss of power.
 * Loaded by LD_PRELOAD, so that SQLite's flushes count too. Tests only.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(int fd, int target)
{
    static __thread char piece[1 << 16];
    off_t at = 0;
    ssize_t length;
    char own[64];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    /* Closing any descriptor of a file drops the locks that SQLite has on it: open none of those. */
    int is_readable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
    int source = is_readable ? fd : open(own, O_RDONLY | O_CLOEXEC);
    while (source >= 0 && (length = pread(source, piece, sizeof piece, at)) > 0) {
        if (write(target, piece, length) != length)
            abort();
        at += length;
    }
    return source < 0 ? -1 : source == fd ? 0 : close(source);
}

static int list(const char *path, int target)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' || (entry->d_name[1] && entry->d_name[1] != '.'))
            dprintf(target, "%c %lu %s\n", entry->d_type == DT_DIR ? 'd' : 'f',
                    (unsigned long)entry->d_ino, entry->d_name);
    return folder ? closedir(folder) : -1;
}

static void keep(int fd)
{
    const char *disk = getenv("DENGWEN_DISK"), *kept = getenv("DENGWEN_KEPT");
    char link[64], path[4096], name[4096], temporary[4200];
    struct stat about;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!disk || !kept || length < 0 || fstat(fd, &about))
        return;
    path[length] = 0;
    if (strncmp(path, disk, strlen(disk)))
        return;
    int is_folder = S_ISDIR(about.st_mode);
    snprintf(name, sizeof name, "%s/%s-%lu", kept, is_folder ? "folder" : "file",
             (unsigned long)about.st_ino);
    snprintf(temporary, sizeof temporary, "%s.%d.%lu", name, getpid(), (unsigned long)&about);
    /* One at a time: or an older copy, made slowly, would replace a newer one. */
    char turn[4200];
    snprintf(turn, sizeof turn, "%s.lock", kept);
    int lock = open(turn, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX))
        abort();
    int target = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (target < 0 || (is_folder ? list(path, target) : copy(fd, target)))
        abort();
    close(target);
    if (rename(temporary, name))
        abort();
    close(lock);
}

static int flush(const char *name, int fd)
{
    int result = ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
    if (result == 0)
        keep(fd);
    return result;
}

int fsync(int fd)
{
    return flush("fsync", fd);
}

int fdatasync(int fd)
{
    return flush("fdatasync", fd);
}

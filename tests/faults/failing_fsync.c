/*
 * Lets fsync and fdatasync fail with EIO for files whose path holds a certain text.
 *
 * The text is the first line of the file that the environment names by DENGWEN_FAILING_FSYNC; while
 * there is no such file, everything is as always. Loaded by LD_PRELOAD, so that SQLite, which calls
 * the C library and not Python, meets the same broken disk as everybody else. Tests only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd)
{
    const char *name = getenv("DENGWEN_FAILING_FSYNC");
    FILE *file = name ? fopen(name, "r") : NULL;
    char text[256], link[64], path[4096];
    if (!file)
        return 0;
    char *read = fgets(text, sizeof text, file);
    fclose(file);
    if (!read)
        return 0;
    text[strcspn(text, "\n")] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, text) != NULL;
}

int fsync(int fd)
{
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd)
{
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

"""
One file that holds an office, taken while it runs: all but what lies in an object store.

The public files are copied before the database, so that the copy's database is never behind its
public log; segments and attachments after it, so that each that the copy knows of is there. Of an
object store the copy keeps the name, and goes on using it. The database is written anew in the
order of its keys (``VACUUM INTO``), so that the copy, unlike a copy of its pages, does not tell in
which order petitions came; in a segment chance has laid them.

A restored copy that lacks what witnesses have seen is refused by the sequencer, and must be: going
on from it would sign a second history.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from dengwen_audit.tile_writer import sync_folder
from dengwen_vault.blobs.local import NO_TIME, LocalBlobs
from dengwen_vault.blobs.store import path_of
from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError
from dengwen_vault.settings import (
    BLOBS_FOLDER,
    NONE,
    SEALED_FOLDER,
    SECRET_MODE,
    SETTINGS_FILE,
    Settings,
    write_settings,
)
from dengwen_vault.setup import SQLITE_URL

DATABASE_NAME = "vault.sqlite3"
_FOLDERS = ("keys", "public", BLOBS_FOLDER, SEALED_FOLDER)
_SEALED_FOLDERS = (BLOBS_FOLDER, SEALED_FOLDER)  # whose files have no time


def backup(settings: Settings, archive: Path) -> bool:
    """
    Write a backup of an office on SQLite to a new file, which holds its keys: guard it as them.

    Returns:
        Whether the attachments are in it; they are not if they lie in an object store.

    Raises:
        SettingsError: If the office is on PostgreSQL, or the file is there already.
    """
    store = Store(settings.database)
    if not store.is_sqlite:
        raise SettingsError("PostgreSQL is backed up with its own tools: see docs/runbooks")
    has_blobs = settings.blob_folder is not None
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        copy = Path(folder)
        _copy_public(settings, copy / "public")
        shutil.copytree(settings.folder / "keys", copy / "keys")
        blobs = BLOBS_FOLDER if has_blobs else settings.blobs
        write_settings(copy, SQLITE_URL, NONE, blobs, settings.allowance)
        _copy_database(store, copy / DATABASE_NAME)
        _write_archive(copy, settings, archive)
    store.close()
    return has_blobs


def restore(archive: Path, folder: Path) -> None:
    """
    Unpack a backup into a new data folder.

    Raises:
        SettingsError: If the folder is there and not empty, or the file is no backup of this kind.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty: restore into a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                _unpack(tar, member, folder)
    except tarfile.TarError as error:
        raise SettingsError(f"{archive.name} is not a backup") from error
    Settings.load(folder)
    sync_folder(folder)


def _copy_public(settings: Settings, target: Path) -> None:
    """Copy the public files, the checkpoint first: the tiles under it are then there."""
    checkpoint = settings.log_folder / "checkpoint"
    if checkpoint.exists():
        (target / "log").mkdir(parents=True)
        shutil.copyfile(checkpoint, target / "log" / "checkpoint")
    shutil.copytree(
        settings.public,
        target,
        dirs_exist_ok=True,
        ignore=_not_copied,
    )


def _not_copied(folder: str, names: list[str]) -> list[str]:
    """Leave out files that are being written, the lock, and the checkpoint, which is there."""
    hidden = [name for name in names if name.startswith(".")]
    return [*hidden, "checkpoint"] if Path(folder).name == "log" else hidden


def _copy_database(store: Store, target: Path) -> None:
    raw = store.engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM INTO ?", (str(target),))
    finally:
        raw.close()


def _write_archive(copy: Path, settings: Settings, archive: Path) -> None:
    try:
        descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError:
        raise SettingsError(f"{archive.name} is there already, and is not overwritten") from None
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, no path
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(copy, arcname="", filter=_anonymous)
            if settings.sealed_folder is not None and settings.sealed_folder.exists():
                tar.add(settings.sealed_folder, arcname=SEALED_FOLDER, filter=_anonymous)
            if settings.blob_folder is not None:
                _add_blobs(tar, settings.blob_folder)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(archive.parent)


def _add_blobs(tar: tarfile.TarFile, folder: Path) -> None:
    """Add every blob, straight from its place: none changes, and none goes."""
    for path in map(path_of, sorted(LocalBlobs(folder).names())):
        tar.add(folder / path, arcname=f"{BLOBS_FOLDER}/{path}", filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Drop what tells of the machine and the hour."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one file of the archive, if it is one that a backup can have."""
    name = PurePosixPath(member.name)
    known = member.name in ("", SETTINGS_FILE, DATABASE_NAME) or name.parts[0] in _FOLDERS
    if not known or name.is_absolute() or ".." in name.parts:
        raise SettingsError("the archive holds a file that is none of a backup")
    if member.isdir():
        return
    source = tar.extractfile(member) if member.isreg() else None
    if source is None:
        raise SettingsError("the archive holds something else than files")
    target = folder / name
    is_public = name.parts[0] == "public"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755 if is_public else 0o700)
    mode = 0o644 if is_public else SECRET_MODE & member.mode  # a full segment is read-only
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, no path
        shutil.copyfileobj(source, file)
        file.flush()
        if name.parts[0] in _SEALED_FOLDERS:
            os.utime(file.fileno(), NO_TIME)
        os.fsync(file.fileno())

"""
One file that holds an office: settings, keys, public files and database, taken while it runs.

The public files are copied before the database, so that the copy's database is never behind its
public log. The database is written anew in the order of its keys (``VACUUM INTO``), so that the
copy, unlike a copy of its pages, does not tell in which order petitions came.

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
from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError
from dengwen_vault.settings import NONE, SECRET_MODE, SETTINGS_FILE, Settings, write_settings
from dengwen_vault.setup import SQLITE_URL

DATABASE_NAME = "vault.sqlite3"
_FOLDERS = ("keys", "public")


def backup(settings: Settings, archive: Path) -> None:
    """
    Write a backup of an office on SQLite to a new file, which holds its keys: guard it as them.

    Raises:
        SettingsError: If the office is on PostgreSQL, or the file is there already.
    """
    store = Store(settings.database)
    if not store.is_sqlite:
        raise SettingsError("PostgreSQL is backed up with its own tools: see docs/runbooks")
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        copy = Path(folder)
        _copy_public(settings, copy / "public")
        shutil.copytree(settings.folder / "keys", copy / "keys")
        write_settings(copy, SQLITE_URL, NONE)
        _copy_database(store, copy / DATABASE_NAME)
        _write_archive(copy, archive)
    store.close()


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


def _write_archive(copy: Path, archive: Path) -> None:
    try:
        descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError:
        raise SettingsError(f"{archive.name} is there already, and is not overwritten") from None
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, no path
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(copy, arcname="", filter=_anonymous)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(archive.parent)


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
    mode = 0o644 if is_public else SECRET_MODE
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, no path
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())

"""Blobs in a folder: durable or not there, one fixed time, and no half of one."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dengwen_audit.tile_writer import sync_folder
from dengwen_vault.blobs.local import NEW, LocalBlobs
from dengwen_vault.blobs.store import READ_SIZE, check_blob, fetch, path_of
from dengwen_vault.errors import MissingBlobError, UnavailableError, WrongBlobError

DATA = b"sealed bytes " * 1000
SHA256 = hashlib.sha256(DATA).digest()


def files(folder: Path) -> list[Path]:
    """Return every file below *folder*."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_put_is_read_back(blobs: LocalBlobs) -> None:
    """Whole, in pieces, and by its name."""
    assert blobs.put(DATA) == SHA256
    assert blobs.has(SHA256)
    assert list(blobs.names()) == [SHA256]
    assert fetch(blobs, SHA256, len(DATA)) == DATA
    assert blobs.read(SHA256, 7, 6) == DATA[7:13]
    assert blobs.read(SHA256, len(DATA) - 2, 100) == DATA[-2:]
    assert blobs.read(SHA256, len(DATA), 1) == b""
    check_blob(blobs, SHA256, len(DATA))


def test_a_blob_longer_than_a_piece_is_checked_in_pieces(blobs: LocalBlobs) -> None:
    """The doctor needs no memory for the largest."""
    data = bytes(READ_SIZE + 1)
    check_blob(blobs, blobs.put(data), len(data))
    with pytest.raises(WrongBlobError):
        check_blob(blobs, hashlib.sha256(data).digest(), len(data) - 1)


def test_what_was_never_put_is_missing(blobs: LocalBlobs) -> None:
    """Before the folder is there, and after."""
    for _ in range(2):
        assert not blobs.has(bytes(32))
        for ask in (fetch, check_blob):
            with pytest.raises(MissingBlobError):
                ask(blobs, bytes(32), 1)
        blobs.put(DATA)


MANGLED: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "a byte less": lambda data: data[:-1],
    "a byte more": lambda data: data + b"\0",
    "nothing left": lambda _: b"",
}


@pytest.mark.parametrize("case", MANGLED)
def test_a_blob_that_changed_is_told_and_mended(
    blobs: LocalBlobs, tmp_path: Path, case: str
) -> None:
    """Nobody is served other bytes than were put; the right ones put again take their place."""
    blobs.put(DATA)
    path = tmp_path / "blobs" / path_of(SHA256)
    path.write_bytes(MANGLED[case](DATA))
    for ask in (fetch, check_blob):
        with pytest.raises(WrongBlobError):
            ask(blobs, SHA256, len(DATA))
    blobs.put(DATA)
    assert fetch(blobs, SHA256, len(DATA)) == DATA


def test_twice_is_once_and_never_in_place(blobs: LocalBlobs, tmp_path: Path) -> None:
    """A new file takes the place, so that a reader of the old one has it whole."""
    blobs.put(DATA)
    path = tmp_path / "blobs" / path_of(SHA256)
    with path.open("rb") as reader:
        before = path.stat().st_ino
        blobs.put(DATA)
        assert path.stat().st_ino != before
        assert reader.read() == DATA
    assert files(tmp_path / "blobs") == [path]


def test_many_at_once_are_one(blobs: LocalBlobs, tmp_path: Path) -> None:
    """Concurrent sendings of the same bytes do not meet."""
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(blobs.put, [DATA] * 32)) == {SHA256}
    assert len(files(tmp_path / "blobs")) == 1
    assert fetch(blobs, SHA256, len(DATA)) == DATA


def test_only_its_owner_reads_it_and_no_time_is_kept(blobs: LocalBlobs, tmp_path: Path) -> None:
    """When a file came, and when it was last looked at, no file or folder tells."""
    blobs.put(DATA)
    fetch(blobs, SHA256, len(DATA))
    for path in [tmp_path / "blobs", *(tmp_path / "blobs").rglob("*")]:
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == (0o700 if path.is_dir() else 0o600)
        assert found.st_mtime == 0, path
        assert path.is_dir() or found.st_atime == 0


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_is_not(
    blobs: LocalBlobs, tmp_path: Path
) -> None:
    """The next process removes what nobody holds."""
    blobs.put(DATA)
    new = tmp_path / "blobs" / NEW
    (new / "left").write_bytes(b"half a blo")
    with (new / "held").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        LocalBlobs(tmp_path / "blobs").put(b"another")
        assert [path.name for path in new.iterdir()] == ["held"]
    assert SHA256 in set(blobs.names())
    assert len(list(blobs.names())) == 2


def test_files_that_are_no_blobs_have_no_names(blobs: LocalBlobs, tmp_path: Path) -> None:
    """Whatever else lies there is not taken for one."""
    blobs.put(DATA)
    folder = tmp_path / "blobs"
    (folder / SHA256.hex()[:2] / "README").write_text("x")
    (folder / SHA256.hex()[:2] / f"{SHA256.hex()}x").write_text("x")
    (folder / "zz").mkdir()
    (folder / "zz" / SHA256.hex()).write_text("x")
    assert list(blobs.names()) == [SHA256]


def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, count: int) -> None:
    """Let the call number *count* of a function of `os` say that the disk fails."""
    calls, real = [0], getattr(os, name)

    def fail(*args: object, **options: object) -> object:
        calls[0] += 1
        if calls[0] == count:
            raise OSError(errno.EIO, "Input/output error")
        return real(*args, **options)

    monkeypatch.setattr(os, name, fail)


STEPS = {"fsync of the file": ("fsync", 1), "fsync of the folder": ("fsync", 2)}


@pytest.mark.parametrize("step", STEPS)
def test_a_flush_that_fails_is_no_put(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nothing is called stored; the next attempt flushes a new file, and all is well."""
    blobs.put(DATA)
    other = b"other bytes"
    _prepare_folder(blobs, other)
    with monkeypatch.context() as patch:
        fail_at(patch, *STEPS[step])
        with pytest.raises(UnavailableError) as refusal:
            blobs.put(other)
    assert hashlib.sha256(other).hexdigest() not in str(refusal.value)
    assert list((tmp_path / "blobs" / NEW).iterdir()) == []
    sha256 = blobs.put(other)
    assert fetch(blobs, sha256, len(other)) == other


def _prepare_folder(blobs: LocalBlobs, data: bytes) -> None:
    """Let the folder of *data* be there, so that only the put itself flushes."""
    blobs.put(data)


def test_each_put_flushes_the_file_before_it_is_moved_and_the_folder_after(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is what makes it durable."""
    blobs.put(DATA)
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        done.append("move")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    blobs.put(DATA)
    assert done == ["file", "move", "folder"]


def test_a_folder_that_another_process_made_is_flushed_once_more(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made it may have died before its name was on the disk."""
    blobs.put(DATA)
    flushed: list[Path] = []
    real = sync_folder

    def sync(folder: Path) -> None:
        flushed.append(folder)
        real(folder)

    monkeypatch.setattr("dengwen_vault.blobs.local.sync_folder", sync)
    LocalBlobs(tmp_path / "blobs").put(DATA)
    place = (tmp_path / "blobs" / path_of(SHA256)).parent
    assert set(flushed) == {tmp_path, tmp_path / "blobs", place}
    assert flushed[-1] == place

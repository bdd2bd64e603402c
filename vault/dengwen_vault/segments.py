"""
Sealed petitions beside SQLite's file, each written once, where chance lays them.

::

    DIR/sealed/36864-9f3c…        slots of 36,864 bytes, 0600, of the first moment of 1970;
                                  read-only once no slot is free

SQLite would write each part twice, into its log and into its file, in pages that it links and
checks one by one. Here each is written once, with one wait for the disk for a whole group, before
the transaction that names their slots.

A segment has all its room from the beginning, and each petition is laid into a free slot drawn by
chance: so the file does not tell in which order they came. Slots are as long as what they hold,
rounded up to whole pages of the disk, so that nothing durable lies in a page that is written again.
A slot begins with the length of what it holds; one whose length is zero is free.

Each process writes into segments of its own, locked; whoever begins takes over those that are not
full and that nobody holds. What a killed process wrote and did not name in the database stays, and
belongs to nobody.

Source: docs/decisions/0016-segments.md.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.tile_writer import sync_folder
from dengwen_vault.errors import MissingBlobError, UnavailableError, WrongBlobError

FILE_MODE, FULL_MODE, FOLDER_MODE = 0o600, 0o400, 0o700
PAGE = 4096  # bytes of a disk's page
FIRST_SIZE, LAST_SIZE = 2 << 20, 64 << 20  # bytes of a segment, about: each has twice the last's
MIN_SLOTS = 16
NO_TIME = (0, 0)  # last read, last changed: seconds since 1970

_LENGTH = struct.Struct(">I")
_CHANCE = secrets.SystemRandom()
_NO_ATIME: int = getattr(os, "O_NOATIME", 0)  # Linux has it


@dataclass(frozen=True)
class Slot:
    """Where one petition's parts lie: the segment's name, and the slot's number in it."""

    segment: str
    number: int


def open_segments(folder: Path | None) -> Segments | None:
    """Return the segments in `Settings.sealed_folder`, if there is one; nothing is opened yet."""
    return None if folder is None else Segments(folder)


class Segments:
    """
    The segments of one office; safe to share between threads and processes.

    Every method raises `UnavailableError` if the folder cannot do it now.

    Args:
        folder: Made with the first petition.
    """

    def __init__(self, folder: Path) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._begun = Counter[int]()  # segments, by the size of their slots
        self._open: dict[int, _Segment] = {}  # by the size of their slots
        self._looked: set[int] = set()  # sizes of which nobody else's are left
        self._lock = threading.Lock()

    def put(self, sealed: Sequence[bytes]) -> list[Slot]:
        """Lay down what is to lie together; when this returns, loss of power takes none of it."""
        by_size: dict[int, list[int]] = {}
        for place, data in enumerate(sealed):
            by_size.setdefault(_slot_size(len(data)), []).append(place)
        slots: dict[int, Slot] = {}
        with self._lock, _unavailable():
            for size, places in by_size.items():
                found = self._put(size, [sealed[place] for place in places])
                slots.update(zip(places, found, strict=True))
        return [slots[place] for place in range(len(sealed))]

    def free(self, slots: Sequence[Slot]) -> None:
        """Give back slots of *this* object's that no row names, and none will."""
        with self._lock, _unavailable():
            for slot in slots:
                segment = self._open.get(_size_of(slot.segment))
                if segment is not None and segment.name == slot.segment:
                    segment.free(slot.number)

    def read(self, slot: Slot, start: int, length: int) -> bytes:
        """
        Return *length* bytes from *start* of what lies in a slot, unchecked.

        Raises:
            MissingBlobError: If there is no such segment.
            WrongBlobError: If the slot holds less.
        """
        with self._opened(slot) as (descriptor, begin):
            data = os.pread(descriptor, length, begin + _LENGTH.size + start)
        if len(data) != length:
            raise WrongBlobError
        return data

    def read_end(self, slot: Slot, length: int) -> bytes:
        """
        Return the last *length* bytes of what lies in a slot, or all if it is less, unchecked.

        Raises:
            MissingBlobError: If there is no such segment.
            WrongBlobError: If the slot holds less than it says.
        """
        with self._opened(slot) as (descriptor, begin):
            head = os.pread(descriptor, _LENGTH.size, begin)
            if len(head) != _LENGTH.size:
                raise WrongBlobError
            (held,) = _LENGTH.unpack(head)
            length = min(length, held)
            data = os.pread(descriptor, length, begin + _LENGTH.size + held - length)
        if len(data) != length or _LENGTH.size + held > _size_of(slot.segment):
            raise WrongBlobError
        return data

    @contextlib.contextmanager
    def _opened(self, slot: Slot) -> Iterator[tuple[int, int]]:
        """Open the segment of a slot; give its descriptor, and where the slot begins."""
        with _unavailable():
            try:
                descriptor = os.open(self._folder / slot.segment, os.O_RDONLY | _NO_ATIME)
            except FileNotFoundError:
                raise MissingBlobError from None
            try:
                yield descriptor, slot.number * _size_of(slot.segment)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Let go of the segments that are being filled; another process may take them over."""
        with self._lock:
            for segment in self._open.values():
                segment.close()
            self._open.clear()
            self._looked.clear()

    def _put(self, size: int, sealed: Sequence[bytes]) -> list[Slot]:
        """Lay down what fits slots of one size, in as many segments as that takes."""
        found: list[Slot] = []
        while len(found) < len(sealed):
            segment = self._segment(size)
            numbers = segment.write(sealed[len(found) :])
            found += [Slot(segment.name, number) for number in numbers]
            if segment.is_full:
                self._open.pop(size).end()
        return found

    def _segment(self, size: int) -> _Segment:
        if size not in self._open:
            self._open[size] = self._take_over(size) or self._begin(size)
        return self._open[size]

    def _take_over(self, size: int) -> _Segment | None:
        """Return a segment that is not full and that nobody fills; looked for once."""
        if size in self._looked:  # so that a segment costs the same however many there are
            return None
        self._folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(self._folder.parent)  # who made the folder may have died before
        self._looked.add(size)
        for path in self._folder.glob(f"{size}-*"):
            if path.stat().st_mode & stat.S_IWUSR:
                segment = _Segment.take_over(path, size)
                if segment is not None:  # and so may who made the segment
                    return self._make_durable(segment)
        return None

    def _begin(self, size: int) -> _Segment:
        length = min(FIRST_SIZE << self._begun[size], LAST_SIZE)
        name = f"{size}-{secrets.token_hex(16)}"
        try:
            segment = _Segment.begin(self._folder / name, size, max(length // size, MIN_SLOTS))
        finally:
            os.utime(self._folder, NO_TIME)
        self._begun[size] += 1
        return self._make_durable(segment)

    def _make_durable(self, segment: _Segment) -> _Segment:
        """Flush the name of a segment, or let go of it."""
        try:
            sync_folder(self._folder)
        except OSError:
            segment.close()
            raise
        return segment


class _Segment:
    """A segment that this process fills, and has locked."""

    def __init__(self, name: str, descriptor: int, size: int, free: list[int]) -> None:
        self.name = name
        self._descriptor = descriptor
        self._size = size
        self._free = free

    @classmethod
    def begin(cls, path: Path, size: int, count: int) -> _Segment:
        """Make a new one, with all its room."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(descriptor, 0, count * size)
            os.utime(descriptor, NO_TIME)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return cls(path.name, descriptor, size, list(range(count)))

    @classmethod
    def take_over(cls, path: Path, size: int) -> _Segment | None:
        """Go on with one that another process began, unless it still does or it is full."""
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | _NO_ATIME)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            count = os.fstat(descriptor).st_size // size
            heads = (os.pread(descriptor, _LENGTH.size, n * size) for n in range(count))
            free = [number for number, head in enumerate(heads) if not any(head)]
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return None
            raise
        segment = cls(path.name, descriptor, size, free)
        if segment.is_full:
            segment.end()
            return None
        return segment

    @property
    def is_full(self) -> bool:
        """Whether no slot is free."""
        return not self._free

    def write(self, sealed: Sequence[bytes]) -> list[int]:
        """Write as many as there is room for, and wait for the disk; return the slots."""
        taken = _CHANCE.sample(self._free, min(len(sealed), len(self._free)))
        for number, data in sorted(zip(taken, sealed, strict=False)):  # as the disk likes it
            self._write(number, _LENGTH.pack(len(data)), data)
        os.fdatasync(self._descriptor)
        self._free = list(set(self._free).difference(taken))
        return taken

    def free(self, number: int) -> None:
        """Let a slot be written again, with nothing left in it; durable or not, it is nobody's."""
        self._write(number, bytes(self._size))
        self._free.append(number)

    def end(self) -> None:
        """Close it for good: it is full."""
        os.fchmod(self._descriptor, FULL_MODE)
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)

    def _write(self, number: int, *pieces: bytes) -> None:
        written = os.pwritev(self._descriptor, pieces, number * self._size)
        os.utime(self._descriptor, NO_TIME)
        if written != sum(map(len, pieces)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _slot_size(length: int) -> int:
    """Return the size of the slots for what has this length: whole pages of the disk."""
    return -(-(_LENGTH.size + length) // PAGE) * PAGE


def _size_of(segment: str) -> int:
    """Return the size of a segment's slots, with which its name begins."""
    return int(segment.partition("-")[0])


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Say that the folder cannot do something now; the system's own words hold a name."""
    try:
        yield
    except OSError as error:
        raise UnavailableError("the folder of sealed petitions cannot do this now") from error

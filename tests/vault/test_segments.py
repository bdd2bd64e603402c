"""Segments: durable before they are named, by chance within a file, and no half of a petition."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dengwen_audit.tile_writer import sync_folder
from dengwen_vault.errors import MissingBlobError, UnavailableError, WrongBlobError
from dengwen_vault.segments import FIRST_SIZE, LAST_SIZE, MIN_SLOTS, PAGE, Segments, Slot

SEALED = [bytes([65 + number]) * 33_000 for number in range(5)]
SIZE = 9 * PAGE  # of the slots that these take
FIRST_SLOTS = FIRST_SIZE // SIZE

KILLED = """
import os, sys
from pathlib import Path
from dengwen_vault.segments import Segments
print(Segments(Path(sys.argv[1])).put([b"k" * 33_000])[0].segment, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the place of a folder that is not there yet."""
    return tmp_path / "sealed"


@pytest.fixture
def segments(folder: Path) -> Segments:
    """Give the segments of an office that has none yet."""
    return Segments(folder)


def test_what_was_laid_down_is_read_back(segments: Segments) -> None:
    """Whole and in pieces, whoever reads it, and each from a slot of its own."""
    slots = segments.put(SEALED)
    assert len(set(slots)) == len(SEALED)
    for reader in (segments, Segments(segments._folder)):  # another process's
        for slot, data in zip(slots, SEALED, strict=True):
            assert reader.read(slot, 0, len(data)) == data
            assert reader.read(slot, 32_990, 10) == data[-10:]
    assert segments.put([]) == []


def test_slots_are_as_long_as_what_they_hold(segments: Segments, folder: Path) -> None:
    """In whole pages, its length among them: what is durable shares no page with another."""
    lengths = [1, PAGE - 4, PAGE - 3, 3 * PAGE]
    slots = segments.put([b"x" * length for length in lengths])
    sizes = [int(slot.segment.partition("-")[0]) for slot in slots]
    assert sizes == [PAGE, PAGE, 2 * PAGE, 4 * PAGE]
    assert slots[0].segment == slots[1].segment
    for slot, size in zip(slots, sizes, strict=True):
        assert (folder / slot.segment).stat().st_size == FIRST_SIZE
        assert 0 <= slot.number < FIRST_SIZE // size


def test_only_its_owner_reads_it_and_no_time_is_kept(segments: Segments, folder: Path) -> None:
    """When a petition came, and when it was last looked at, no file or folder tells."""
    slots = segments.put(SEALED)
    segments.free(segments.put(SEALED))
    segments.read(slots[0], 0, 7)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in [folder, *folder.iterdir()]:
        assert path.stat().st_mtime == 0, path
    (path,) = folder.iterdir()
    assert path.stat().st_atime == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_place_tells_no_order(folder: Path) -> None:
    """Of two who come one after the other, the second lies behind the first as often as not."""
    behind = Counter[bool]()
    for office in range(128):
        segments = Segments(folder / str(office))
        folder.mkdir(exist_ok=True)
        (first,), (second,) = segments.put([b"first"]), segments.put([b"second"])
        assert first.segment == second.segment
        behind[second.number > first.number] += 1
        segments.close()
    assert 24 < behind[True] < 104  # the chance of less is under 10^-12


def test_a_full_segment_is_read_only_and_the_next_is_larger(
    segments: Segments, folder: Path
) -> None:
    """A group may need several; each has twice the room of the one before, up to a bound."""
    count = FIRST_SLOTS + 2
    slots = segments.put([SEALED[0]] * count)
    assert len(set(slots)) == count
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    full, open_ = sorted(modes, key=modes.__getitem__)
    assert (modes[full], modes[open_]) == (0o400, 0o600)
    assert Counter(slot.segment for slot in slots) == {full: FIRST_SLOTS, open_: 2}
    assert (folder / full).stat().st_size == FIRST_SLOTS * SIZE
    assert (folder / open_).stat().st_size == 2 * FIRST_SIZE // SIZE * SIZE
    assert LAST_SIZE // FIRST_SIZE == 32  # from 2 MiB to 64


def test_large_ones_have_room_in_the_first_segment(segments: Segments, folder: Path) -> None:
    """The largest letter, too, lies by chance among others."""
    (slot,) = segments.put([b"x" * 1_300_000])
    size = int(slot.segment.partition("-")[0])
    assert (folder / slot.segment).stat().st_size == MIN_SLOTS * size


def test_threads_and_processes_do_not_meet(segments: Segments, folder: Path) -> None:
    """Two that fill segments at one time fill different ones, and no slot is given twice."""
    others = Segments(folder)
    work = [(who, [b"%d" % number * 8_000]) for number in range(60) for who in (segments, others)]
    with ThreadPoolExecutor(8) as threads:
        slots = list(threads.map(lambda one: (one[0], one[0].put(one[1])[0], one[1][0]), work))
    for who, slot, data in slots:
        assert who.read(slot, 0, len(data)) == data
    assert len({slot for _, slot, _ in slots}) == len(work)
    mine, theirs = (
        {slot.segment for w, slot, _ in slots if w is one} for one in (segments, others)
    )
    assert mine.isdisjoint(theirs)


def test_whoever_begins_goes_on_with_what_is_not_full(segments: Segments, folder: Path) -> None:
    """So that an office that is restarted each night does not begin a segment each time."""
    slots = segments.put(SEALED)
    segments.close()
    after = Segments(folder)
    more = after.put([SEALED[0]] * (FIRST_SLOTS - len(SEALED)))
    assert {slot.segment for slot in more} == {slots[0].segment}
    assert set(slots).isdisjoint(more)
    for slot, data in zip(slots, SEALED, strict=True):
        assert after.read(slot, 0, len(data)) == data
    after.close()
    (next_,) = Segments(folder).put([SEALED[0]])
    assert next_.segment != slots[0].segment  # which is full


def test_a_segment_that_turns_out_full_is_closed_for_good(segments: Segments, folder: Path) -> None:
    """Its process died between the last slot and closing it."""
    segments.put([SEALED[0]] * FIRST_SLOTS)
    segments.close()
    (path,) = folder.iterdir()
    path.chmod(0o600)
    (slot,) = Segments(folder).put([SEALED[0]])
    assert slot.segment != path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_what_a_killed_process_wrote_stays_and_its_segment_is_taken_over(folder: Path) -> None:
    """Its petitions may be named in the database."""
    folder.parent.mkdir(exist_ok=True)
    died = subprocess.run(
        [sys.executable, "-c", KILLED, folder], check=False, capture_output=True, text=True
    )
    assert died.returncode == -signal.SIGKILL
    after = Segments(folder)
    slots = after.put([SEALED[0]] * (FIRST_SLOTS - 1))
    assert {slot.segment for slot in slots} == {died.stdout.strip()}
    (theirs,) = set(range(FIRST_SLOTS)) - {slot.number for slot in slots}
    assert after.read(Slot(died.stdout.strip(), theirs), 0, 33_000) == b"k" * 33_000


def test_a_slot_that_is_given_back_is_used_again(segments: Segments) -> None:
    """The same petition sent a thousand times takes no more room than once."""
    (stays,) = segments.put([SEALED[1]])
    for _ in range(3 * FIRST_SLOTS):
        (slot,) = segments.put([SEALED[0]])
        segments.free([slot])
        assert slot.segment == stays.segment
    assert segments.read(stays, 0, 33_000) == SEALED[1]
    segments.close()
    again = Segments(segments._folder)  # another process's
    assert len(again.put([SEALED[0]] * (FIRST_SLOTS - 1))) == FIRST_SLOTS - 1
    assert len(list(segments._folder.iterdir())) == 1  # all of them are free


def test_nothing_stays_in_a_slot_that_is_given_back(segments: Segments, folder: Path) -> None:
    """It was of nobody who is here: neither sealed bytes stay, nor a day."""
    segments.free(segments.put(SEALED))
    assert not any(any(path.read_bytes()) for path in folder.iterdir())


def test_what_is_not_there_is_missing(segments: Segments, folder: Path) -> None:
    """A segment that is gone, and a slot behind its end."""
    (slot,) = segments.put([SEALED[0]])
    with pytest.raises(WrongBlobError):
        segments.read(Slot(slot.segment, FIRST_SLOTS), 0, 1)
    (folder / slot.segment).unlink()
    with pytest.raises(MissingBlobError):
        segments.read(slot, 0, 1)


def _fail(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """Let each call of a function of `os` fail."""

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize(
    ("name", "code"),
    [("fdatasync", errno.EIO), ("pwritev", errno.ENOSPC), ("posix_fallocate", errno.ENOSPC)],
)
def test_what_the_disk_refuses_is_not_laid_down(
    segments: Segments, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    """Nothing is called durable, no half-made file stays, and the next attempt succeeds."""
    with monkeypatch.context() as patch:
        _fail(patch, name, code)
        with pytest.raises(UnavailableError) as refusal:
            segments.put(SEALED)
    assert str(folder) not in str(refusal.value)
    assert folder.stat().st_mtime == 0
    assert [path.stat().st_size for path in folder.iterdir()] == (
        [] if name == "posix_fallocate" else [FIRST_SLOTS * SIZE]
    )
    slots = segments.put(SEALED)
    for slot, data in zip(slots, SEALED, strict=True):
        assert segments.read(slot, 0, len(data)) == data


def test_a_segment_whose_name_cannot_be_flushed_is_let_go(
    segments: Segments, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses for hours uses up no descriptors."""

    def fail_in(path: Path) -> None:
        if path == folder:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr("dengwen_vault.segments.sync_folder", fail_in)
        for _ in range(5):
            with pytest.raises(UnavailableError):
                segments.put(SEALED)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(segments.put(SEALED)) == len(SEALED)


def test_half_a_write_is_none(segments: Segments, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may write less than it was given and say so."""
    real = os.pwritev
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", lambda file, data, place: real(file, data[:1], place))
        with pytest.raises(UnavailableError):
            segments.put(SEALED)
    slots = segments.put(SEALED)
    assert [segments.read(slot, 0, 9) for slot in slots] == [data[:9] for data in SEALED]


def test_the_disk_is_waited_for_after_the_last_write(
    segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wait for a group, and nothing is written after it."""
    segments.put(SEALED)
    done: list[str] = []
    write, flush = os.pwritev, os.fdatasync

    def pwritev(*args: object) -> int:
        done.append("write")
        return write(*args)  # type: ignore[arg-type]  # as they came

    def fdatasync(descriptor: int) -> None:
        done.append("flush")
        flush(descriptor)

    monkeypatch.setattr(os, "pwritev", pwritev)
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    segments.put(SEALED)
    assert done == [*["write"] * len(SEALED), "flush"]


def test_a_name_that_another_process_made_is_flushed_once_more(
    segments: Segments, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made folder and segment may have died before they were on the disk."""
    segments.put(SEALED)
    segments.close()
    flushed: list[Path] = []

    def sync(path: Path) -> None:
        flushed.append(path)
        sync_folder(path)

    monkeypatch.setattr("dengwen_vault.segments.sync_folder", sync)
    Segments(folder).put(SEALED)
    assert flushed == [folder.parent, folder]

"""Tests of tile_writer.py: whatever stops the writer, the folder is right or is made right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dengwen_audit.errors import FormatError
from dengwen_audit.merkle import leaf_hash, root
from dengwen_audit.tile_paths import entries_path, tile_path, to_bundle
from dengwen_audit.tile_tree import TileTree
from dengwen_audit.tile_writer import ConflictError, TileWriter, write_durably

ENTRIES = [f"entry {number}".encode() for number in range(1100)]


class PowerCut(BaseException):  # no Exception: nothing may handle it
    """The process is gone at this very point."""


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def expected(size: int) -> dict[str, bytes]:
    """Return the files that a log of the first *size* entries has, and no others."""
    tree = TileTree()
    full = list(tree.extend(map(leaf_hash, ENTRIES[:size])))
    files = {tile.path: tile.to_bytes() for tile in [*full, *tree.edge()]}
    for number in range(-(-size // 256)):
        bundle = ENTRIES[number * 256 : min(size, number * 256 + 256)]
        files[entries_path(number, len(bundle))] = to_bundle(bundle)
    return files


@contextmanager
def stopping(monkeypatch: pytest.MonkeyPatch, at: int, stop: Callable[[], None]) -> Iterator[None]:
    """Call *stop* instead of the call number *at* of those that make files durable."""
    calls = iter(range(10_000))

    def stopped(call: Callable[..., object]) -> Callable[..., object]:
        def stop_or_call(*arguments: object, **options: object) -> object:
            if next(calls) == at:
                stop()
            return call(*arguments, **options)

        return stop_or_call

    with monkeypatch.context() as patch:
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "mkdir"), (shutil, "rmtree")):
            patch.setattr(owner, name, stopped(getattr(owner, name)))
        yield


def cut_power() -> None:
    """End the process, for all that the writer can tell."""
    raise PowerCut


def fail() -> None:
    """Answer as a dying disk does."""
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 1100])
def test_a_log_has_the_files_that_its_size_needs_and_no_others(tmp_path: Path, size: int) -> None:
    """In one go; partial files that a full one replaces are gone."""
    writer = TileWriter(tmp_path)
    writer.append(0, ENTRIES[:size])
    assert (writer.size, writer.root()) == (size, root(map(leaf_hash, ENTRIES[:size])))
    assert content(tmp_path) == expected(size)


def test_small_steps_lead_to_the_same_log(tmp_path: Path) -> None:
    """Every size on the way has its partial files, until full ones stand in their place."""
    writer = TileWriter(tmp_path)
    stops = [1, 2, 3, 250, 255, 256, 257, 300, 530, 531, 1023, 1024, 1030]
    for start, stop in zip([0, *stops], stops, strict=False):
        writer.append(start, ENTRIES[start:stop])
        assert expected(stop).items() <= content(tmp_path).items()
        assert writer.frontier().root() == writer.root()
    earlier = {f"tile/1/000.p/{width}" for width in (1, 2, 3)}
    assert set(content(tmp_path)) - set(expected(1030)) == earlier


def test_the_writer_goes_on_where_another_stopped(tmp_path: Path) -> None:
    """The folder alone says how far it came; a public folder may hold other files too."""
    (tmp_path / "checkpoint").write_bytes(b"not this module's")
    for start, stop in ((0, 100), (100, 256), (256, 700)):
        writer = TileWriter(tmp_path)
        assert (writer.size, writer.root()) == (start, root(map(leaf_hash, ENTRIES[:start])))
        writer.append(start, ENTRIES[start:stop])
    assert TileWriter(tmp_path).size == 700
    assert (tmp_path / "checkpoint").read_bytes() == b"not this module's"


def test_appending_the_same_again_changes_nothing(tmp_path: Path) -> None:
    """A tick that is published twice, wholly or in part, is published once."""
    writer = TileWriter(tmp_path)
    writer.append(0, ENTRIES[:300])
    before = content(tmp_path)
    writer.append(0, ENTRIES[:300])
    writer.append(250, ENTRIES[250:290])
    writer.append(300, [])
    assert content(tmp_path) == before
    writer.append(250, ENTRIES[250:310])
    assert expected(310).items() <= content(tmp_path).items()


@pytest.mark.parametrize("index", [0, 255, 256, 299])
def test_another_entry_at_a_taken_place_is_refused(tmp_path: Path, index: int) -> None:
    """Two histories claim one place; the one that is durable stays."""
    writer = TileWriter(tmp_path)
    writer.append(0, ENTRIES[:300])
    before = content(tmp_path)
    with pytest.raises(ConflictError, match=f"another entry number {index}"):
        writer.append(index, [b"another", *ENTRIES[index + 1 : 320]])
    assert content(tmp_path) == before


def test_a_gap_or_an_entry_too_long_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    """Neither can be bad input from outside."""
    writer = TileWriter(tmp_path)
    for start, entry in ((1, b"entry"), (0, bytes(65_536))):
        with pytest.raises(AssertionError, match="internal error"):
            writer.append(start, [entry])


def test_a_crash_at_any_point_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each flush, move, new folder and removal: the next writer ends with the very same log."""
    base, at = tmp_path / "base", 0
    TileWriter(base).append(0, ENTRIES[:250])
    while True:
        folder = tmp_path / str(at)
        shutil.copytree(base, folder)
        writer = TileWriter(folder)
        try:
            with stopping(monkeypatch, at, cut_power):
                writer.append(250, ENTRIES[250:600])
            break
        except PowerCut:
            at += 1
        writer = TileWriter(folder)
        assert 250 <= writer.size <= 600
        assert expected(writer.size).items() <= content(folder).items()
        writer.append(250, ENTRIES[250:600])
        assert expected(600).items() <= content(folder).items()
        assert set(content(folder)) - set(expected(600)) <= {"tile/1/000.p/1"}
        assert not [name for name in content(folder) if ".new-" in name]
    assert at > 20


def test_a_crash_while_recovering_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that lost its tiles is read by writers that are stopped again and again."""
    TileWriter(tmp_path).append(0, ENTRIES[:600])
    shutil.rmtree(tmp_path / "tile/0")
    shutil.rmtree(tmp_path / "tile/1")
    for at in range(100):
        try:
            with stopping(monkeypatch, at, cut_power):
                assert TileWriter(tmp_path).size == 600
            break
        except PowerCut:
            continue
    assert content(tmp_path) == expected(600)


def test_a_failed_flush_ends_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again: after it, nobody knows what the disk holds."""
    for at in range(6):
        writer = TileWriter(tmp_path / str(at))
        writer.append(0, ENTRIES[:10])
        with stopping(monkeypatch, at, fail), pytest.raises(OSError, match="Input/output"):
            writer.append(10, ENTRIES[10:20])
        with pytest.raises(AssertionError, match="end the process"):
            writer.append(10, ENTRIES[10:20])
        again = TileWriter(tmp_path / str(at))
        again.append(10, ENTRIES[10:20])
        assert again.root() == root(map(leaf_hash, ENTRIES[:20]))


def test_a_file_is_flushed_before_it_is_moved_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the bundles are durable before the first tile over them is begun."""
    writer = TileWriter(tmp_path)
    writer.append(0, ENTRIES[:1])
    steps: list[tuple[str, Path]] = []
    fsync, replace = os.fsync, Path.replace

    def logged_fsync(descriptor: int) -> None:
        steps.append(("flush", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def logged_replace(path: Path, target: Path) -> Path:
        steps.append(("move", target))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(Path, "replace", logged_replace)
    writer.append(1, ENTRIES[1:2])
    bundle, tile = tmp_path / entries_path(0, 2), tmp_path / tile_path(0, 0, 2)
    assert steps == [
        ("flush", bundle.with_name(".new-2")),
        ("move", bundle),
        ("flush", bundle.parent),
        ("flush", tile.with_name(".new-2")),
        ("move", tile),
        ("flush", tile.parent),
    ]


@pytest.mark.parametrize("name", [tile_path(0, 0), tile_path(0, 1, 44), tile_path(1, 0, 1)])
def test_a_changed_tile_is_found_at_start(tmp_path: Path, name: str) -> None:
    """One bit, anywhere: nothing is built on it."""
    TileWriter(tmp_path).append(0, ENTRIES[:300])
    data = bytearray((tmp_path / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConflictError, match=name.replace(".", r"\.")):
        TileWriter(tmp_path)


def test_a_changed_bundle_is_found_at_start(tmp_path: Path) -> None:
    """By the tile over it, or because it is not whole."""
    TileWriter(tmp_path).append(0, ENTRIES[:300])
    path = tmp_path / entries_path(0)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"!")
    with pytest.raises(ConflictError):
        TileWriter(tmp_path)
    path.write_bytes(good[:-1])
    with pytest.raises(FormatError):
        TileWriter(tmp_path)


def test_a_file_of_another_history_is_not_overwritten(tmp_path: Path) -> None:
    """The writer stops before a file that it did not write."""
    writer = TileWriter(tmp_path)
    writer.append(0, ENTRIES[:255])
    (tmp_path / tile_path(0, 0)).write_bytes(bytes(8192))
    with pytest.raises(ConflictError):
        writer.append(255, ENTRIES[255:256])
    assert (tmp_path / tile_path(0, 0)).read_bytes() == bytes(8192)


def test_a_refused_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, and without a temporary one beside it."""
    path = tmp_path / "checkpoint"
    write_durably(path, b"old")
    with stopping(monkeypatch, 0, fail), pytest.raises(OSError, match="Input/output"):
        write_durably(path, b"new")
    assert content(tmp_path) == {"checkpoint": b"old"}
    write_durably(path, b"new")
    assert content(tmp_path) == {"checkpoint": b"new"}

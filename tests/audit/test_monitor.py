"""Tests of monitor.py: what a visit to a log finds."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from dengwen_audit.monitor import Monitor
from dengwen_audit.note import Note
from dengwen_audit.policy import Policy
from dengwen_audit.tile_paths import CHECKPOINT_PATH, entries_path, tile_path
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.tiles import TileError
from dengwen_audit.trust import Trust, open_office
from tests.audit.public_office import (
    SIZE,
    PublicOffice,
    remember,
    signed_office,
)
from tests.small_log import LOG_KEY, POLICY, SmallLog
from tests.small_office import (
    make_card,
    make_roster,
    sign_by_roots,
)


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    return signed_office(tmp_path / "public")


def test_a_sound_log_is_clean(office: PublicOffice) -> None:
    """No breach; at the first visit a person is told that it was the first."""
    report = office.visit()
    assert report.is_clean
    assert report.notices == ["first visit: from now on a fork would be noticed"]
    assert report.cosigned is not None
    assert report.cosigned.checkpoint.size == SIZE


def test_a_log_that_grew_is_clean(office: PublicOffice) -> None:
    """Nothing at all is to be said of a log that only grew, at its pace."""
    memory = remember(office)
    office.tick(100)
    office.sign()
    report = office.visit(memory)
    assert (report.breaches, report.notices) == ([], [])
    assert [visit.size for visit in remember(office, memory).visits] == [SIZE, SIZE + 100]


def test_a_log_that_stands_still_for_a_moment_is_clean(office: PublicOffice) -> None:
    """Two visits within one tick see the same checkpoint."""
    memory = remember(office)
    assert office.visit(memory).is_clean


def test_records_that_are_gone_are_found(office: PublicOffice) -> None:
    """A log that is set back is caught by the memory alone."""
    memory = remember(office)
    office.rewrite(200)
    office.sign()
    report = office.visit(memory)
    assert any("ROLLBACK: 300 records were shown before, and now 200" in b for b in report.breaches)
    assert report.remember(memory) is memory


@pytest.mark.parametrize("growth", [0, 100])
def test_another_history_is_found(office: PublicOffice, growth: int) -> None:
    """A fork is sound in itself; only who remembers sees it."""
    memory = remember(office)
    office.rewrite(250)
    office.tick(SIZE - 250 + growth)
    office.now = memory.last.time + 60
    office.sign()
    assert office.visit().is_clean
    report = office.visit(memory)
    assert any("FORK" in breach for breach in report.breaches)
    assert report.remember(memory) is memory


Break = Callable[[PublicOffice], object]


def flip(path: str, position: int = 100) -> Break:
    """Return what flips one bit of a public file."""

    def break_it(office: PublicOffice) -> None:
        data = bytearray((office.folder / path).read_bytes())
        data[position] ^= 1
        office.show(path, bytes(data))

    return break_it


def remove(path: str) -> Break:
    """Return what removes a public file."""
    return lambda office: (office.folder / path).unlink()


def cosigned_by_two(office: PublicOffice) -> None:
    """Drop one of three cosignatures."""
    note = office.checkpoint()
    office.show(f"log/{CHECKPOINT_PATH}", Note(note.text, note.signatures[:-1]))


def signed_by_nobody(office: PublicOffice) -> None:
    """Drop the log's own signature."""
    note = office.checkpoint()
    office.show(f"log/{CHECKPOINT_PATH}", Note(note.text, note.signatures[1:]))


def misshapen_record(office: PublicOffice) -> None:
    """Log something that is no record."""
    office.records.append(b"dengwen/epoch/v2\n")
    office.sign()


ROSTER_PATH = f"rosters/{make_roster().hash.hex()}"
BROKEN: dict[str, tuple[Break, str]] = {
    "a bundle is withheld": (remove(f"log/{entries_path(0)}"), "a file is missing"),
    "the newest bundle is withheld": (remove(f"log/{entries_path(1, 44)}"), "a file is missing"),
    "a tile is withheld": (remove(f"log/{tile_path(0, 0)}"), "a file is missing"),
    "an upper tile is withheld": (remove(f"log/{tile_path(1, 0, 1)}"), "a file is missing"),
    "a record was edited": (flip(f"log/{entries_path(0)}"), "not what the entries give"),
    "a tile was edited": (flip(f"log/{tile_path(0, 0)}"), "not what the entries give"),
    "a bundle is cut": (flip(f"log/{entries_path(0)}", 1), "bundle"),
    "too few witnesses": (cosigned_by_two, "too few witnesses"),
    "not signed by the log": (signed_by_nobody, "too few known signatures"),
    "another text under the signatures": (flip(f"log/{CHECKPOINT_PATH}", 30), ""),
    "a record of another shape": (misshapen_record, "dengwen/epoch/v1"),
    "the roster is not shown": (remove(ROSTER_PATH), "record 0: its roster is not shown"),
    "the roster is another": (
        lambda office: office.show(ROSTER_PATH, sign_by_roots(make_card().to_bytes())),
        "not the note of that hash",
    ),
    "the roster is signed by one": (
        lambda office: office.show(ROSTER_PATH, sign_by_roots(make_roster().to_bytes(), 1)),
        "too few known signatures",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_is_broken_is_found(office: PublicOffice, name: str) -> None:
    """One breach, told in a sentence; nothing of it is remembered."""
    break_it, words = BROKEN[name]
    break_it(office)
    report = office.visit()
    assert len(report.breaches) == 1
    assert words in report.breaches[0]
    assert report.remember(None) is None


def test_a_log_that_has_stopped_is_reported(office: PublicOffice) -> None:
    """Freezing a log is a way to hide, too."""
    office.now += 7200
    (breach,) = office.visit().breaches
    assert breach == "the log has stopped: its newest checkpoint is 2.0 hours old"


def test_a_checkpoint_from_the_future_is_reported(office: PublicOffice) -> None:
    """One of the two clocks is wrong."""
    office.now -= 600
    (breach,) = office.visit().breaches
    assert "yet to come" in breach


@pytest.mark.parametrize(("seconds", "records"), [(6000, 40), (600, 40)])
def test_another_pace_is_told_and_is_no_breach(
    office: PublicOffice, seconds: int, records: int
) -> None:
    """Forty records in a hundred minutes are too few, in ten too many."""
    memory = remember(office)
    office.tick(records)
    office.now = memory.last.time + seconds
    office.sign()
    report = office.visit(memory)
    assert report.is_clean
    (notice,) = report.notices
    assert notice.startswith("pace: 40 records in ")
    assert f"gives {seconds / 60:.0f}" in notice


def test_an_unreachable_source_is_no_breach(office: PublicOffice) -> None:
    """Nobody is accused because a network is down."""

    class Down:
        def read(self, path: str) -> bytes:
            raise TileError("the server does not answer")

    with requests.Session() as session:
        source = dataclasses.replace(open_office(str(office.folder), session), log=Down())
    with pytest.raises(TileError):
        Monitor(source, office.trust(), None, office.now).visit()


def test_an_address_without_a_log_is_no_breach(office: PublicOffice) -> None:
    """Whoever misspells an address accuses nobody."""
    (office.folder / f"log/{CHECKPOINT_PATH}").unlink()
    with pytest.raises(TileError, match="no log at this address"):
        office.visit()


def test_a_bare_log_is_judged_by_its_policy(office: PublicOffice, tmp_path: Path) -> None:
    """Any C2SP log can be watched; what only our records have is not judged, and that is said."""
    log = SmallLog([b"anything"] * 3)
    TileWriter(tmp_path / "bare").append(0, log.entries)
    (tmp_path / "bare" / CHECKPOINT_PATH).write_bytes(log.note(time=office.now).to_bytes())
    with requests.Session() as session:
        source = open_office(str(tmp_path / "bare"), session)
    report = Monitor(source, Trust(POLICY), None, office.now).visit()
    assert report.is_clean
    assert "no card is given, so records and rosters are not judged" in report.notices


def test_a_log_without_witnesses_tells_no_times(office: PublicOffice, tmp_path: Path) -> None:
    """It can be derived again, but nobody vouches for its age."""
    log = SmallLog([b"anything"] * 3)
    TileWriter(tmp_path / "bare").append(0, log.entries)
    (tmp_path / "bare" / CHECKPOINT_PATH).write_bytes(log.note([]).to_bytes())
    policy = Policy.parse(f"log {LOG_KEY.verification_key.to_text()}\nquorum none\n")
    with requests.Session() as session:
        source = open_office(str(tmp_path / "bare"), session)
    report = Monitor(source, Trust(policy), None, office.now).visit()
    assert report.is_clean
    assert "the policy asks for no witness, so nobody says when" in report.notices
    memory = report.remember(None)
    assert memory is not None
    assert Monitor(source, Trust(policy), memory, office.now).visit().is_clean

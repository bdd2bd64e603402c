"""A holder believes of the public files only what the pinned card's policy and rosters bear out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask import Flask, Response, abort

from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.tiles import TileError
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.follow import Follower
from dengwen_keys.gatekeeper.store import Store
from dengwen_keys.office_client import DoorClient, OfficeError
from tests.keys.gatekeeper_fixture import NOON, SmallOffice
from tests.small_office import make_card, make_roster, make_seed
from tests.wsgi_adapter import WsgiAdapter


class Door:
    """
    The public files of a small office, any of which a test may replace.

    Attributes:
        files: What is served instead of what the office has; None for nothing at all.
    """

    def __init__(self, office: SmallOffice, folder: Path) -> None:
        self.office = office
        self.files: dict[str, bytes | None] = {}
        self.tiles = TileWriter(folder)
        self.app = Flask("door")
        self.app.add_url_rule("/<path:name>", view_func=self.serve)
        self.publish()

    def publish(self) -> None:
        """Put all records into the log's folder."""
        self.tiles.append(0, [epoch.record.to_bytes() for epoch in self.office.log.epochs])

    def serve(self, name: str) -> Response:
        """Answer one request."""
        found = self.files[name] if name in self.files else self._find(name)
        if found is None:
            abort(404)
        return Response(found)

    def _find(self, name: str) -> bytes | None:
        kind, _, rest = name.partition("/")
        if name == "latest.tlog-proof":
            return self.office.log.latest()
        if kind == "rosters":
            return self.office.roster_note(bytes.fromhex(rest)).to_bytes()
        path = self.tiles.folder / rest
        return path.read_bytes() if path.exists() else None


@pytest.fixture
def office() -> SmallOffice:
    """Give an office with five records."""
    office = SmallOffice()
    for _ in range(4):
        office.tick()
    return office


@pytest.fixture
def door(office: SmallOffice, tmp_path: Path) -> Door:
    """Give its door."""
    return Door(office, tmp_path / "log")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a holder's empty memory."""
    store = Store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def follower(door: Door, store: Store) -> Follower:
    """Give a follower of this office."""
    session = requests.Session()
    session.mount(make_card().door, WsgiAdapter(door.app))
    return Follower(make_card(), DoorClient(make_card().door, session), store, lambda: NOON)


def test_the_newest_record_names_the_roster(follower: Follower, office: SmallOffice) -> None:
    """What the log has last is what the holder judges by."""
    look = follower.look()
    assert look.latest.checkpoint == office.log.checkpoint()
    assert look.current == make_roster()


def test_too_few_witnesses_are_waited_for(
    follower: Follower, door: Door, office: SmallOffice
) -> None:
    """Without a quorum there is nothing to judge by."""
    note = office.log.note(witnesses=("gatekeeper-1", "mirror-1"))
    door.files["latest.tlog-proof"] = office.log.latest(note)
    with pytest.raises(no.NoQuorum):
        follower.look()


def test_cosignatures_from_the_future_are_waited_for(
    follower: Follower, office: SmallOffice
) -> None:
    """A clock is wrong somewhere; whose, nobody can tell yet."""
    office.log.time = NOON + 3600
    with pytest.raises(no.StaleLog):
        follower.look()


@pytest.mark.parametrize("broken", ["not last", "not signed", "no proof"])
def test_a_newest_record_that_is_none_is_an_alarm(
    follower: Follower, door: Door, office: SmallOffice, broken: str
) -> None:
    """The last record, under the log's own signature, or nothing."""
    log = office.log
    unsigned = Note(log.note().text, log.note().signatures[1:])
    earlier = replace(log.proof(2), extra=log.epochs[2].record.to_bytes())
    door.files["latest.tlog-proof"] = {
        "not last": earlier.to_bytes(),
        "not signed": log.latest(unsigned),
        "no proof": b"nothing",
    }[broken]
    with pytest.raises(no.LogUnproven):
        follower.look()


def test_a_silent_door_is_waited_for(follower: Follower, door: Door) -> None:
    """No answer is no evidence of anything."""
    door.files["latest.tlog-proof"] = None
    with pytest.raises(OfficeError):
        follower.look()


def test_a_later_roster_is_followed_to_and_an_older_one_is_not(
    follower: Follower, door: Door, office: SmallOffice
) -> None:
    """From version 1 to 3 by way of 2; never back."""
    follower.look()
    office.publish(openings_per_day=7)
    office.publish(openings_per_day=8)
    office.tick()
    door.publish()
    assert follower.look().current.version == 3
    office.rosters.pop()
    office.tick()
    door.publish()
    with pytest.raises(no.RosterRolledBack):
        follower.look()


@pytest.mark.parametrize("broken", ["another roster", "no roster"])
def test_a_roster_must_be_the_one_that_was_named(
    follower: Follower, door: Door, office: SmallOffice, broken: str
) -> None:
    """The door cannot slip in another."""
    other = office.publish(openings_per_day=7)
    office.rosters.pop()
    office.rosters.insert(0, other)
    door.files[f"rosters/{make_roster().hash.hex()}"] = {
        "another roster": office.roster_note(other.hash).to_bytes(),
        "no roster": b"nothing",
    }[broken]
    with pytest.raises(no.RosterUnproven):
        follower.look()


def test_older_rosters_are_fetched_as_far_as_needed(
    follower: Follower, door: Door, office: SmallOffice
) -> None:
    """Back to the one that a petition was sealed under, and no further."""
    second = office.publish(openings_per_day=7)
    third = office.publish(openings_per_day=8)
    office.tick()
    door.publish()
    look = follower.look()
    assert follower.rosters(look, second.hash).history == {third.hash: third, second.hash: second}
    everything = follower.rosters(look, make_seed("never there")).history
    assert set(everything) == {roster.hash for roster in office.rosters}


def test_proofs_lead_from_every_tree_to_the_largest(
    follower: Follower, door: Door, office: SmallOffice
) -> None:
    """One view of the log serves all the checks of a request."""
    receipt = office.log.checkpoint(4)
    after = office.log.checkpoint(2)
    view = follower.log_view(follower.look(), receipt, after.size, after.root)
    assert view.proofs == {size: office.log.consistency(size) for size in (2, 4, 5)}
    assert (view.office, view.tick) == (office.card.office, office.card.tick)


def test_a_false_root_does_not_spoil_the_proof_of_a_true_one(
    follower: Follower, office: SmallOffice
) -> None:
    """A request that names a false root of the receipt's size is refused; the log is not forked."""
    receipt = office.log.checkpoint(4)
    view = follower.log_view(follower.look(), receipt, 4, Hash(make_seed("false")))
    assert view.proofs[4] == office.log.consistency(4)


def test_a_missing_tile_is_waited_for(follower: Follower, door: Door, office: SmallOffice) -> None:
    """A cache that lost a file makes nobody a forger."""
    door.files["log/tile/0/000.p/5"] = None
    look = follower.look()
    with pytest.raises(TileError):
        follower.log_view(look, office.log.checkpoint(4), 0, Hash(make_seed("any")))


def test_a_changed_tile_gives_no_proof(follower: Follower, door: Door, office: SmallOffice) -> None:
    """What does not lead to both roots is not handed on."""
    door.files["log/tile/0/000.p/5"] = bytes(5 * 32)
    view = follower.log_view(follower.look(), office.log.checkpoint(4), 0, Hash(make_seed("any")))
    assert view.proofs[4] == ()


def test_what_the_witness_half_cosigned_is_remembered_too(
    door: Door, store: Store, office: SmallOffice
) -> None:
    """Both memories count, the holder's and the witness's."""
    session = requests.Session()
    session.mount(make_card().door, WsgiAdapter(door.app))
    client = DoorClient(make_card().door, session)
    witnessed = office.log.checkpoint(3)
    follower = Follower(make_card(), client, store, lambda: NOON, lambda: witnessed)
    store.remember(NoteHash(make_seed("case")), NoteHash(make_seed("manifest")), [], witnessed)  # type: ignore[arg-type]
    view = follower.log_view(follower.look(), office.log.checkpoint(4), 0, Hash(make_seed("any")))
    assert view.seen == (witnessed, witnessed)

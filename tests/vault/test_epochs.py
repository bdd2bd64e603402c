"""Whole epochs go to mirrors, to auditors with a grant in the log, and to nobody else."""

import datetime

import pytest

from dengwen_audit.epoch import Record, events_root
from dengwen_audit.errors import SignatureError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.grant import Grant, GrantEnd
from dengwen_vault import epochs
from dengwen_vault.grants import UnknownGrantError
from tests.small_office import OFFICE, TODAY, make_key, make_roster, make_seed, sign_by_roots
from tests.vault.office import DAY, VaultOffice, seal_petition

ALL = "/v1/epochs?from=0&to=100"


def _grant(institution: str = "court-of-audit", from_index: int = 0) -> Note:
    until = TODAY + datetime.timedelta(days=3)
    return sign_by_roots(Grant(OFFICE, "auditor-1", institution, from_index, until).to_bytes())


def test_a_mirror_can_build_every_root_again(open_office: VaultOffice) -> None:
    """The leaves are those of the tick, empties included; causes and manifests come on request."""
    manifest = open_office.accept()
    open_office.tick()
    for shape in open_office.ask("mirror-1", f"{ALL}&causes=1").json()["epochs"]:
        record = Record.parse(shape["record"].encode())
        leaves = [leaf.encode() for leaf in shape["leaves"]]
        assert events_root(leaves) == record.events_root
        assert record.roster == make_roster().hash
        events = [Event.parse(leaf) for leaf in leaves if leaf.startswith(b"dengwen/event/v1\n")]
        assert {event.cause.hex() for event in events} == shape["causes"].keys()
        for key, note in shape["causes"].items():
            assert Note.parse(note.encode()).hash.hex() == key
        assert shape["manifests"].keys() == (
            {manifest.case.hex()} if shape["index"] == 1 else set()
        )
    plain = open_office.ask("mirror-1", ALL).json()["epochs"]
    assert [shape.keys() for shape in plain] == [{"index", "record", "leaves"}] * 3


def test_a_mirror_gets_a_record_before_it_is_public(small_office: VaultOffice) -> None:
    """It cosigns only what it holds, so it must hold it first."""
    small_office.epoch_store.commit_tick(1, small_office.now)
    shapes = small_office.ask("mirror-1", "/v1/epochs?from=1&to=2").json()["epochs"]
    assert [shape["index"] for shape in shapes] == [1]


@pytest.mark.parametrize("member", ["reviewer-1", "gatekeeper-1", "trustee-1", "water-board"])
def test_no_other_member_reads_epochs(small_office: VaultOffice, member: str) -> None:
    """Who sees all events sees who was petitioned about when."""
    assert small_office.ask(member, ALL).status_code == 404


def test_an_auditor_reads_once_the_grant_is_in_the_log(open_office: VaultOffice) -> None:
    """And until its last day, or until the root keepers end it."""
    assert open_office.ask("auditor-1", ALL).status_code == 404
    grant = _grant()
    open_office.vault.post_grant(grant)
    open_office.vault.post_grant(grant)
    assert open_office.ask("auditor-1", ALL).status_code == 404
    open_office.tick()
    assert open_office.ask("auditor-1", ALL).status_code == 200
    open_office.vault.post_grant(sign_by_roots(GrantEnd(OFFICE, grant.hash).to_bytes()))
    assert open_office.ask("auditor-1", ALL).status_code == 404
    open_office.tick()
    leaves = open_office.ask("mirror-1", ALL).json()["epochs"][2]["leaves"]
    types = {Event.parse(leaf.encode()).type for leaf in leaves if "event/v1" in leaf}
    assert types == {"audit.ended"}


def test_a_grant_ends_by_itself(small_office: VaultOffice) -> None:
    """The day in it is the first on which it is none."""
    small_office.vault.post_grant(_grant())
    small_office.tick()
    small_office.now += 2 * DAY
    assert small_office.ask("auditor-1", ALL).status_code == 200
    small_office.now += DAY
    assert small_office.ask("auditor-1", ALL).status_code == 404


@pytest.mark.parametrize("grant", [_grant("press-club"), _grant(from_index=1)])
def test_a_grant_reaches_no_further_than_it_says(small_office: VaultOffice, grant: Note) -> None:
    """Neither to another institution's auditor nor to earlier records."""
    small_office.vault.post_grant(grant)
    small_office.tick(2)
    assert small_office.ask("auditor-1", ALL).status_code == 404


def test_a_grant_takes_the_root_threshold(small_office: VaultOffice) -> None:
    """One root keeper gives nobody anything."""
    before = small_office.rows()
    text = _grant().text
    for note in (sign_by_roots(text, 1), sign_note(text, make_key(OFFICE))):
        with pytest.raises(SignatureError):
            small_office.vault.post_grant(note)
    no_grant = sign_by_roots(GrantEnd(OFFICE, make_seed("no grant")).to_bytes())
    with pytest.raises(UnknownGrantError):
        small_office.vault.post_grant(no_grant)
    assert small_office.rows() == before


def test_an_answer_is_bounded(small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small epochs, or few large ones, come in several answers; never none."""
    small_office.vault.accept(seal_petition().to_bytes(), at_once=True)
    small_office.tick(3)
    mirror = make_roster().member("mirror-1")
    monkeypatch.setattr(epochs, "MAX_LEAVES", 9)
    sizes = [len(small_office.vault.epochs(mirror, start, 9, causes=False)) for start in range(5)]
    assert sizes == [2, 2, 2, 1, 0]
    monkeypatch.setattr(epochs, "MAX_LEAVES", 1)
    assert len(small_office.vault.epochs(mirror, 0, 9, causes=False)) == 1

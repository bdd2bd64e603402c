"""Every other file is recognised by how it begins, and judged if anything can judge it."""

import dataclasses

import pytest

from dengwen_audit.epoch import Record
from dengwen_audit.errors import FormatError
from dengwen_audit.receipt import build_latest, build_receipt
from dengwen_audit.statements.card import Card, check_card_rules
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.inspection.files import UnknownFileError, inspect_file
from dengwen_keys.inspection.finding import Finding, Trust
from dengwen_keys.keyfile import MemberKeys, seal_keyfile
from tests.keys.cli.people import CHEAP
from tests.keys.office import first_case, small_roster
from tests.small_log import NOON, policy_text
from tests.small_office import make_card, make_identity, make_seed
from tests.vectors.samples import sample_epoch, sample_events, sample_log


def _card() -> Card:
    """Return the small office's card with the small log's policy."""
    lines = tuple(policy_text().splitlines())
    card = dataclasses.replace(make_card(), policy_lines=lines)
    check_card_rules(card)
    return card


TRUST = Trust(_card(), None, NOON)
NOTHING = Trust(None, None, NOON)


def _inspect(data: bytes, trust: Trust = TRUST) -> Finding:
    return inspect_file(data, trust)


def _receipt() -> bytes:
    epoch, log = sample_epoch(), sample_log()
    leaf = epoch.leaves.index(sample_events()[1].to_bytes())
    return build_receipt(epoch.leaves, leaf, epoch.record.roster, log.proof(6)).to_bytes()


def _latest() -> bytes:
    log = sample_log()
    return build_latest(Record.parse(log.entries[10]), log.proof(10))


def test_a_receipt_says_what_happened_and_verifies_offline() -> None:
    """With the card alone, years later."""
    found = _inspect(_receipt())
    assert found.what == "Receipt"
    assert found.facts[0] == "open.requested by reviewer-7 on 2026-02-02"
    assert found.is_good


def test_a_latest_proof_verifies_by_the_card() -> None:
    """Its witnesses vouched for it; how long ago is another question."""
    found = _inspect(_latest())
    assert found.what == "Latest proof of a log"
    assert found.facts[0] == "of 11 records, the last of which names"
    assert found.is_good


def test_a_checkpoint_verifies_by_the_card() -> None:
    """A checkpoint has no type line; it is what nothing else is."""
    found = _inspect(sample_log().note().to_bytes())
    assert found.what == "Checkpoint of a log"
    assert found.is_good


@pytest.mark.parametrize("data", [_receipt(), _latest(), sample_log().note().to_bytes()])
def test_too_few_witnesses_do_not_verify(data: bytes) -> None:
    """A policy that asks for one witness more refuses the same bytes."""
    lines = tuple(policy_text(threshold=5).splitlines())
    card = dataclasses.replace(make_card(), policy_lines=lines)
    assert _inspect(data, Trust(card, None, NOON)).is_good is False
    assert _inspect(data, NOTHING).is_good is None


def test_a_sealed_petition_is_checked_as_far_as_anybody_can() -> None:
    """Every part is as the manifest says, and the manifest is signed by the keys of its case."""
    data = first_case().sealed.to_bytes()
    found = _inspect(data, NOTHING)
    assert found.what == "Sealed petition"
    assert found.is_good
    assert f"{len(data)} bytes, every part as the manifest says" in found.facts
    with pytest.raises(FormatError):
        _inspect(data[:-1], NOTHING)
    by_roster = _inspect(data, Trust(None, small_roster(), NOON))
    assert by_roster.is_good
    assert "keeps to the roster" in by_roster.verdict


def test_an_age_file_says_to_how_many_it_is_sealed_and_nothing_else() -> None:
    """An age file names nobody."""
    recipients = [make_identity(name).recipient for name in ("ann", "ben")]
    found = _inspect(encrypt(recipients, b"nobody reads this"))
    assert found.facts == ("sealed to 2 recipients",)
    assert found.is_good is None


def test_a_key_file_names_its_owner_and_tells_no_secret() -> None:
    """Only the passphrase opens it."""
    keys = MemberKeys("ann", make_seed("ann"), None, None)
    found = _inspect(seal_keyfile(keys, "a passphrase", CHEAP))
    assert found.facts == ("of ann, it says",)
    assert found.is_good is None


def test_an_event_and_a_record_alone_prove_nothing() -> None:
    """They are shown, and the words say what would prove them."""
    event = _inspect(sample_events()[0].to_bytes())
    assert event.facts[0] == "petition.received by office on 2026-02-01"
    record = _inspect(sample_log().entries[6])
    assert record.what == "Record of an epoch"
    assert (event.is_good, record.is_good) == (None, None)


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff" * 100, b"dengwen/unknown/v1\n"])
def test_anything_else_is_refused(data: bytes) -> None:
    """A file of somebody else's is not guessed at."""
    with pytest.raises(UnknownFileError):
        _inspect(data)

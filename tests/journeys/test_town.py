"""The main job from end to end: seal, send, be read by the panel alone, and see all of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from dengwen_audit.http_client import UnreachableError
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.card import check_card
from dengwen_keys.contents import IdentityPart
from dengwen_keys.sealing import Attachment
from dengwen_submit.follow_up import CaseView
from tests.town import ANONYMOUS, NAMED, TEXT, Town
from tests.town_people import sign_by_roots

CHINESE = "水库大坝渗水。\n\n我们向水务局反映过三次，没有人理。\n"
PHOTO = bytes(range(256)) * 300


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Iterator[Town]:
    """Give a town: once on SQLite, once on PostgreSQL."""
    with Town(tmp_path, database_url) as town:
        yield town


def types(view: CaseView) -> list[str]:
    """Return the types of a case's events."""
    return [entry.event.type for entry in view.entries]


@pytest.mark.parametrize("identity", [ANONYMOUS, NAMED], ids=["anonymous", "named"])
@pytest.mark.parametrize(("text", "language"), [(TEXT, "en"), (CHINESE, "zh")], ids=["en", "zh"])
def test_a_petition_reaches_its_panel_and_its_petitioner_sees_every_key_turn(
    town: Town, text: str, language: str, identity: IdentityPart
) -> None:
    """What was sealed is read by a member of the panel, and "complete" is said truthfully."""
    words, sealed = town.received(text, language=language, identity=identity)
    before = town.follow_up(words)
    opened = town.asked_and_opened(sealed)
    town.tick()
    after = town.follow_up(words)

    assert types(before) == ["petition.received"]
    assert before.is_complete
    assert opened.petition.body == text
    assert types(after) == ["petition.received", "open.requested", *["share.released"] * 3]
    assert [entry.event.actor for entry in after.entries[:2]] == [
        "office",
        sealed.manifest.panel[0],
    ]
    assert {entry.event.actor for entry in after.entries[2:]} == set(town.gatekeepers)
    assert all(entry.receipt for entry in after.entries)
    assert after.is_complete


def test_an_attachment_arrives_whole(town: Town) -> None:
    """A file of the petitioner's opens with the petition, byte for byte."""
    photo = Attachment.of_bytes("outfall.jpg", "image/jpeg", PHOTO)
    words, sealed = town.received(attachments=[photo])
    opened = town.asked_and_opened(sealed)
    destination = io.BytesIO()
    reviewer = town.reviewer(sealed.manifest.panel[0])
    reviewer.open_attachment(opened, 1, io.BytesIO(), destination)

    assert [line.name for line in opened.petition.attachments] == ["outfall.jpg"]
    assert destination.getvalue() == PHOTO
    town.tick()
    assert town.follow_up(words).is_complete


def test_named_and_anonymous_come_in_equal_lengths(town: Town) -> None:
    """Nobody on the way can tell by any length who gave a name."""
    named, anonymous = (town.seal(identity=identity)[1] for identity in (NAMED, ANONYMOUS))

    assert [(part.name, part.length) for part in named.manifest.parts] == [
        (part.name, part.length) for part in anonymous.manifest.parts
    ]
    assert len(named.to_bytes()) == len(anonymous.to_bytes())


def test_the_acceptance_names_what_was_sent(town: Town) -> None:
    """The office signs for this very petition, at once, before any tick."""
    _, sealed = town.seal()
    accepted = Acceptance.parse(town.send(sealed.to_bytes()).text)

    assert (accepted.case, accepted.manifest) == (sealed.manifest.case, sealed.note.hash)
    assert accepted.deadline == town.roster.acceptance_deadline


def test_a_stranger_checks_the_receipt_offline(town: Town) -> None:
    """With the card alone, without network, years later, the reception is proven."""
    words, sealed = town.received()
    receipt = town.follow_up(words).entries[0].receipt
    assert receipt is not None
    card = sign_by_roots(town.card.to_bytes())
    town.office.door.down = True

    checked = check_receipt(receipt, check_card(card, None).policy)
    assert (checked.event.type, checked.event.case) == ("petition.received", sealed.manifest.case)
    assert checked.event.previous == sealed.note.hash


def test_every_member_of_the_panel_can_open(town: Town) -> None:
    """Each of three reads it with a request of her own, and the petitioner sees three requests."""
    words, sealed = town.received()
    bodies = [town.asked_and_opened(sealed, seat).petition.body for seat in range(3)]
    town.tick()

    assert bodies == [TEXT] * 3
    assert types(town.follow_up(words)).count("open.requested") == 3


def test_two_gatekeepers_are_enough(town: Town) -> None:
    """One of three may be away: the petition opens, and "complete" waits for the third."""
    words, sealed = town.received()
    with town.away("gk-2"):
        assert town.asked_and_opened(sealed).petition.body == TEXT
        town.tick()
        view = town.follow_up(words)

    assert types(view).count("share.released") == 2
    assert not view.is_complete
    assert [s.holder for s in view.statements if not s.agrees] == ["gk-2"]
    town.poll()
    town.tick()
    assert town.follow_up(words).is_complete


def test_what_is_not_sent_at_once_comes_within_the_delay(town: Town) -> None:
    """A petition enters the log in some epoch of the next hour, and is then as good as any."""
    words, _ = town.submit(at_once=False)
    town.tick(town.roster.petitioner_delay // town.card.tick + 1)

    assert types(town.follow_up(words)) == ["petition.received"]


def test_an_auditor_with_a_grant_finds_every_rule_kept(town: Town) -> None:
    """Root keepers grant it, the log shows it, and every event of every case can be judged."""
    words, sealed = town.received()
    town.asked_and_opened(sealed)
    town.received(identity=NAMED)
    with pytest.raises(UnreachableError):
        town.audit()
    town.grant()

    assert not town.audit()
    assert town.visit().is_clean
    assert town.follow_up(words).is_complete

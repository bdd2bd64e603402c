"""Challenges go to every holder and mirror, heads come back, and both are gone after a day."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.challenges import MAX_CHALLENGES, ChallengeOfficeError
from dengwen_vault.errors import TooManyError
from tests.small_office import OFFICE, make_key, make_roster, make_seed
from tests.vault.office import DAY, VaultOffice, words_of

ASKED = ("gatekeeper-1", "gatekeeper-3", "trustee-5", "mirror-1")


def _challenge(manifest: Manifest, nonce: str = "nonce", office: str = OFFICE) -> Note:
    challenge = Challenge(
        office, manifest.case, manifest.signing_key, manifest.mailbox, make_seed(nonce)
    )
    return sign_note(challenge.to_bytes(), words_of("first").signing_key())


def _head(manifest: Manifest, holder: str, **changes: object) -> Note:
    head = Head(OFFICE, manifest.case, make_seed("nonce"), holder, 1, make_seed("an event"))
    head = dataclasses.replace(head, **changes)  # type: ignore[arg-type]
    return sign_note(head.to_bytes(), make_key(holder))


def test_a_challenge_waits_for_everyone_who_keeps_events(open_office: VaultOffice) -> None:
    """And for nobody else; whoever has answered is not asked again."""
    manifest = open_office.accept()
    note = _challenge(manifest)
    open_office.vault.post_challenge(manifest.case, note)
    for member in ASKED:
        waiting = open_office.ask(member, "/v1/work").json()["challenges"]
        assert waiting == [note.to_bytes().decode()]
    for member in (manifest.panel[0], "auditor-1"):
        assert open_office.ask(member, "/v1/work").json()["challenges"] == []
    for member in ASKED[:2]:
        head = _head(manifest, member)
        assert open_office.ask(member, "/v1/heads", head.to_bytes()).status_code == 202
        assert open_office.ask(member, "/v1/work").json()["challenges"] == []
    heads = open_office.vault.heads(manifest.case, make_seed("nonce"))
    assert heads == tuple(_head(manifest, member).to_bytes() for member in ASKED[:2])


def test_of_two_heads_the_first_stands(small_office: VaultOffice) -> None:
    """A holder cannot take back what it said it had seen."""
    manifest = small_office.accept()
    small_office.vault.post_challenge(manifest.case, _challenge(manifest))
    first = _head(manifest, "mirror-1")
    second = _head(manifest, "mirror-1", seen_number=0, seen_hash=ZERO_HASH)
    for head in (first, second):
        assert small_office.ask("mirror-1", "/v1/heads", head.to_bytes()).status_code == 202
    assert small_office.vault.heads(manifest.case, make_seed("nonce")) == (first.to_bytes(),)


def test_the_same_challenge_again_changes_nothing(small_office: VaultOffice) -> None:
    """A retry asks nobody twice."""
    manifest = small_office.accept()
    small_office.vault.post_challenge(manifest.case, _challenge(manifest))
    before = small_office.rows()
    small_office.vault.post_challenge(manifest.case, _challenge(manifest))
    assert small_office.rows() == before


@pytest.mark.parametrize(
    "changes",
    [{"nonce": make_seed("no nonce")}, {"case": make_seed("no case")}],
    ids=["nonce", "case"],
)
def test_a_head_that_nobody_asked_for_is_not_kept(
    small_office: VaultOffice, changes: dict[str, bytes]
) -> None:
    """Holders cannot fill the store with heads."""
    manifest = small_office.accept()
    small_office.vault.post_challenge(manifest.case, _challenge(manifest))
    before = small_office.rows()
    head = _head(manifest, "mirror-1", **changes)
    assert small_office.ask("mirror-1", "/v1/heads", head.to_bytes()).status_code == 404
    assert small_office.rows() == before


def test_nobody_gives_anothers_head(small_office: VaultOffice) -> None:
    """Though it is rightly signed."""
    manifest = small_office.accept()
    small_office.vault.post_challenge(manifest.case, _challenge(manifest))
    head = _head(manifest, "mirror-1")
    assert small_office.ask("gatekeeper-1", "/v1/heads", head.to_bytes()).status_code == 404


def test_a_challenge_is_of_the_asking_case_and_office(small_office: VaultOffice) -> None:
    """Who has one case cannot ask about another, nor carry a question elsewhere."""
    manifest = small_office.accept()
    other = small_office.accept("other")
    with pytest.raises(ChallengeOfficeError):
        small_office.vault.post_challenge(other.case, _challenge(manifest))
    elsewhere = _challenge(manifest, office="elsewhere.example/log")
    with pytest.raises(ChallengeOfficeError):
        small_office.vault.post_challenge(manifest.case, elsewhere)
    forged = sign_note(_challenge(manifest).text, words_of("other").signing_key())
    with pytest.raises(SignatureError):
        small_office.vault.post_challenge(manifest.case, forged)


def test_a_case_has_a_daily_number_of_challenges(small_office: VaultOffice) -> None:
    """One petitioner cannot keep every holder busy; tomorrow she may ask again."""
    manifest = small_office.accept()
    for number in range(MAX_CHALLENGES):
        small_office.vault.post_challenge(manifest.case, _challenge(manifest, f"{number}"))
    with pytest.raises(TooManyError):
        small_office.vault.post_challenge(manifest.case, _challenge(manifest, "one more"))
    small_office.now += 2 * DAY
    small_office.vault.post_challenge(manifest.case, _challenge(manifest, "one more"))
    rows = small_office.rows()
    asked = sum(len(make_roster().active(role)) for role in ("gatekeeper", "trustee", "mirror"))
    assert (rows["challenge"], rows["challenge_work"], rows["head"]) == (1, asked, 0)

"""A reviewer's client believes log, manifest and the holders' signatures, and nobody else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dengwen_audit.note import Note, sign_note
from dengwen_audit.receipt import StaleError
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.roster_rules import NotInForceError
from dengwen_keys.age.identities import Identity
from dengwen_keys.gatekeeper.answers import Question, Reason, refuse, release
from dengwen_keys.gatekeeper.checks import judge
from dengwen_keys.gatekeeper.refusals import NotInPanel
from dengwen_keys.keyfile import MemberKeys
from dengwen_keys.office_client import OfficeError, OfficeRefusalError, ServedAnswer
from dengwen_keys.opening import TooFewSharesError
from dengwen_keys.released import Asked, Collected, collect
from dengwen_keys.reviewer import (
    NoSealingKeyError,
    NoSuchCaseError,
    NotHereYetError,
    NotLoggedError,
    Reviewer,
)
from dengwen_keys.sealing import Attachment
from dengwen_vault.blobs.store import path_of
from tests.keys.gatekeeper_fixture import Petition, seal_petition
from tests.keys.gatekeeper_story import Told, fresh_identity, tell
from tests.keys.working_office import WorkingOffice
from tests.small_office import (
    OFFICE,
    make_card,
    make_key,
    make_recipient,
    make_roster,
    make_seed,
    sign_by_roots,
)

PHOTO = b"not really a photo" * 999


@pytest.fixture
def office(tmp_path: Path) -> Iterator[WorkingOffice]:
    """Give an office with three gatekeepers."""
    office = WorkingOffice(tmp_path)
    yield office
    office.close()


@pytest.fixture
def petition() -> Petition:
    """Give an urgent petition in Chinese, with a file and an exclusion."""
    return seal_petition(
        language="zh",
        urgent=True,
        exclusions=("jurisdiction:CN-4401",),
        attachments=(Attachment.of_bytes("photo.jpg", "image/jpeg", PHOTO),),
    )


@pytest.fixture
def manifest(office: WorkingOffice, petition: Petition) -> Manifest:
    """Give the manifest of that petition, received."""
    return office.take_in(petition.sealed)


def test_the_desk_shows_language_and_urgency_before_anything_is_opened(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """Every panel member sees the case; who was not drawn sees nothing."""
    for member in make_roster().active("reviewer"):
        cases = office.reviewer(member.id).cases()
        if member.id in manifest.panel:
            (case,) = cases
            assert case.left is not None
            assert (case.left.language, case.left.urgent) == ("zh", True)
            assert case.served.manifest == manifest.hash
        else:
            assert cases == []


def test_a_case_is_found_by_the_beginning_of_its_id(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """As long as there is exactly one."""
    reviewer = office.reviewer(manifest.panel[0])
    assert reviewer.find(manifest.case.hex()[:8].upper()) == manifest.case
    for wrong in ("", "zz", manifest.case.hex() + "0"):
        with pytest.raises(NoSuchCaseError):
            reviewer.find(wrong)


def test_a_petition_is_asked_for_and_opened(office: WorkingOffice, manifest: Manifest) -> None:
    """From the request to the plaintext and the attached file; two shares of three suffice."""
    reviewer = office.reviewer(manifest.panel[0])
    asked = reviewer.ask(manifest.case)
    reviewer.send(asked)
    assert not reviewer.progress(asked).is_logged
    office.tick()
    office.round("gatekeeper-1")
    progress = reviewer.progress(asked)
    assert progress.is_logged
    assert not progress.is_enough
    with pytest.raises(TooFewSharesError):
        reviewer.open(asked, progress)
    office.round("gatekeeper-3")
    progress = reviewer.progress(asked)
    assert progress.is_enough
    opened = reviewer.open(asked, progress)
    assert opened.petition.body == "The dam leaks.\n"
    assert opened.petition.exclude == ("jurisdiction:CN-4401",)
    file = io.BytesIO()
    reviewer.open_attachment(opened, 1, io.BytesIO(), file)
    assert file.getvalue() == PHOTO


def test_an_attachment_that_has_not_come_is_told_as_that(
    office: WorkingOffice, petition: Petition
) -> None:
    """The petition opens without it; nothing is written for it, and it opens when it has come."""
    manifest = office.take_in(petition.sealed, attach=False)
    asked = office.ask_to_open(manifest)
    office.round()
    reviewer = office.reviewer(manifest.panel[0])
    opened = reviewer.open(asked, office.progress(asked))
    spool, file = io.BytesIO(), io.BytesIO()
    with pytest.raises(NotHereYetError, match="attachment/1 has not come yet"):
        reviewer.open_attachment(opened, 1, spool, file)
    assert spool.getvalue() == file.getvalue() == b""
    office.take_in(petition.sealed)
    reviewer.open_attachment(opened, 1, spool, file)
    assert file.getvalue() == PHOTO


def test_another_refusal_of_an_attachment_is_not_taken_for_patience(
    office: WorkingOffice, petition: Petition, manifest: Manifest
) -> None:
    """What the office has lost will not come by waiting."""
    asked = office.ask_to_open(manifest)
    office.round()
    reviewer = office.reviewer(manifest.panel[0])
    opened = reviewer.open(asked, office.progress(asked))
    sha256 = manifest.part("attachment/1").sha256
    (office.folder / "blobs" / path_of(sha256)).unlink()
    with pytest.raises(OfficeRefusalError) as refusal:
        reviewer.open_attachment(opened, 1, io.BytesIO(), io.BytesIO())
    assert refusal.value.slug == "damaged"


def test_each_request_has_a_key_and_a_nonce_of_its_own(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """A new opening needs a new request."""
    reviewer = office.reviewer(manifest.panel[0])
    first, second = reviewer.ask(manifest.case), reviewer.ask(manifest.case)
    assert first.request.nonce != second.request.nonce
    assert first.request.recipient != second.request.recipient


def test_a_request_says_when_it_was_made_and_until_when_it_serves(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """After the newest checkpoint, and for as many records as the roster's lifetime holds."""
    request = office.reviewer(manifest.panel[0]).ask(manifest.case).request
    assert request.after_size == office.epoch_store.size()
    assert request.last_index - request.after_size == 60
    assert request.roster == make_roster().hash


def test_too_many_refusals_leave_no_hope(office: WorkingOffice, manifest: Manifest) -> None:
    """The requester reads each reason."""
    asked = office.ask_to_open(manifest, after_root=make_seed("fork"))
    office.round("gatekeeper-1")
    assert not office.progress(asked).is_hopeless
    office.round("gatekeeper-2")
    progress = office.progress(asked)
    assert progress.is_hopeless
    reason = progress.collected.reasons["gatekeeper-2"]
    assert (reason.code, reason.request) == ("not-signed-after", asked.hash)


def test_a_manifest_that_the_log_does_not_name_is_not_used(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """A desk that serves another petition for the case is caught before anything is opened."""
    other = seal_petition("second")
    office.take_in(other.sealed)
    reviewer = office.reviewer(manifest.panel[0])
    office.desk.instead[f"/v1/cases/{manifest.case.hex()}/manifest"] = other.sealed.note.to_bytes()
    with pytest.raises(NotLoggedError):
        reviewer.manifest(manifest.case)
    again = seal_petition("first")  # of the same words, so of the same case
    assert again.case == manifest.case
    office.desk.instead[f"/v1/cases/{manifest.case.hex()}/manifest"] = again.sealed.note.to_bytes()
    with pytest.raises(NotLoggedError):
        reviewer.manifest(manifest.case)


def test_a_petition_that_is_not_in_the_log_yet_is_not_used(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """Without a receipt there is only the operator's word."""
    office.desk.instead[f"/v1/cases/{manifest.case.hex()}/events"] = b'{"events": []}'
    with pytest.raises(NotLoggedError):
        office.reviewer(manifest.panel[0]).manifest(manifest.case)


def test_stale_proofs_and_rosters_are_not_used(office: WorkingOffice, manifest: Manifest) -> None:
    """An office that hides its newest roster is noticed by the age of its proof."""
    reviewer = office.reviewer(manifest.panel[0])
    office.now += 3600
    with pytest.raises(StaleError):
        reviewer.look()
    office.now += 30 * 24 * 3600
    office.tick()
    with pytest.raises(NotInForceError):
        reviewer.look()


def test_another_roster_than_the_one_named_is_not_used(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """The door cannot slip in another."""
    path = office.vault.public_folder / "rosters" / make_roster().hash.hex()
    path.write_bytes(sign_by_roots(replace(make_roster(), panel_size=4).to_bytes()).to_bytes())
    with pytest.raises(NotLoggedError):
        office.reviewer(manifest.panel[0]).look()


def test_an_office_that_is_down_or_refuses_is_told_apart(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """Try again later, or do not."""
    reviewer = office.reviewer(manifest.panel[0])
    asked = reviewer.ask(manifest.case)
    office.desk.down = True
    with pytest.raises(OfficeError) as caught:
        reviewer.send(asked)
    assert not isinstance(caught.value, OfficeRefusalError)
    office.desk.down = False
    with pytest.raises(OfficeRefusalError):
        office.reviewer("reviewer-2").send(asked)  # revoked


def test_a_holders_key_file_is_not_a_reviewers(office: WorkingOffice) -> None:
    """A key file without a sealing key opens nothing."""
    keys = MemberKeys("auditor-1", make_seed("auditor-1"), None, None)
    with pytest.raises(NoSealingKeyError):
        Reviewer(make_card(), keys, office.session, office.clock)


def _question(told: Told, **changes: object) -> Question:
    request = told.matter.request
    honest = Question(
        office=OFFICE,
        case=request.case,
        compartment="petition",
        request=told.request.hash,
        recipient=request.recipient,
        holder="gatekeeper-1",
        seat=1,
    )
    return replace(honest, **changes)  # type: ignore[arg-type]


def _release(told: Told, signer: str = "gatekeeper-1", **changes: object) -> ServedAnswer:
    answer = release(_question(told, **changes), judge(told.matter), make_key(signer))
    return ServedAnswer(answer.note, answer.sealed)


def _refusal(told: Told) -> ServedAnswer:
    answer = refuse(_question(told), NotInPanel("not drawn"), make_key("gatekeeper-1"))
    return ServedAnswer(answer.note, answer.sealed)


def _collect(told: Told, *answers: ServedAnswer) -> Collected:
    fresh = fresh_identity(told.matter.request.requester)
    asked = Asked(told.request, told.matter.request, fresh)
    return collect(answers, asked, told.petition.manifest, make_roster())


def _reason_of_another(told: Told) -> ServedAnswer:
    """Seal the reason of another request, under a note for this one."""
    other = _question(told, request=make_seed("another"))
    sealed = refuse(other, NotInPanel("not drawn"), make_key("gatekeeper-1")).sealed
    note = Note.parse(_refusal(told).note)
    answer = replace(Answer.parse(note.text), sealed=hashlib.sha256(sealed).digest())
    return ServedAnswer(sign_note(answer.to_bytes(), make_key("gatekeeper-1")).to_bytes(), sealed)


BROKEN: dict[str, tuple[Callable[[Told], ServedAnswer], str]] = {
    "signed by nobody of the roster": (lambda told: _release(told, signer="stranger"), "?"),
    "signed by another holder": (lambda told: _release(told, signer="gatekeeper-2"), "?"),
    "of another seat": (lambda told: _release(told, seat=2), "?"),
    "no note": (lambda told: replace(_release(told), note=b"nothing"), "?"),
    "to another request": (
        lambda told: _release(told, request=make_seed("another")),
        "gatekeeper-1",
    ),
    "of another case": (lambda told: _release(told, case=make_seed("another")), "gatekeeper-1"),
    "of the identity": (lambda told: _release(told, compartment="identity"), "gatekeeper-1"),
    "with other sealed bytes": (
        lambda told: replace(_release(told), sealed=_refusal(told).sealed),
        "gatekeeper-1",
    ),
    "sealed to somebody else": (
        lambda told: _release(told, recipient=make_recipient("reviewer-5")),
        "gatekeeper-1",
    ),
    "with the reason of another request": (_reason_of_another, "gatekeeper-1"),
    "with the share of another seat": (
        lambda told: _release(told, holder="gatekeeper-2", seat=2, signer="gatekeeper-2"),
        "gatekeeper-2",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_answer_is_named_and_does_not_count(
    broken: tuple[Callable[[Told], ServedAnswer], str],
) -> None:
    """The holder is to blame if it signed; the honest answers beside it still count."""
    bend, blamed = broken
    told = tell()
    collected = _collect(told, bend(told), _release(told))
    assert collected.faults.keys() == {blamed}
    assert collected.shares == {1: told.petition.share()}
    assert collected.reasons == {}


def test_a_reason_is_read_by_the_requester() -> None:
    """What the refusal sealed, and nothing of it in the note."""
    told = tell()
    collected = _collect(told, _refusal(told))
    expected = Reason(told.request.hash, "not-in-panel", "not drawn")
    assert collected.reasons == {"gatekeeper-1": expected}
    assert (collected.shares, collected.faults) == ({}, {})


def test_a_lost_key_opens_nothing() -> None:
    """Whoever has not the fresh key of this very request reads neither share nor reason."""
    told = tell()
    asked = Asked(told.request, told.matter.request, Identity.generate())
    answers = [_release(told)]
    collected = collect(answers, asked, told.petition.manifest, make_roster())
    assert collected.shares == {}
    assert collected.faults.keys() == {"gatekeeper-1"}

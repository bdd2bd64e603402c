"""
Attachments sent by somebody who should not, of something else, twice, too many, or to find out.

A stranger may have found a sealed petition on its way, files and all. She has no words; whether she
has an acceptance is what most of these are about.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import shutil
from pathlib import Path

import pytest
import requests

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.text import to_base64
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.reviewer import NotHereYetError
from dengwen_keys.sealing import Attachment
from dengwen_submit.errors import DoorError
from dengwen_vault.blobs.store import path_of
from dengwen_vault.settings import SETTINGS_FILE
from tests.small_office import make_key
from tests.town import Town
from tests.town_people import DOOR
from tests.town_petitioner import signed_again

PHOTO = Attachment.of_bytes("outfall.jpg", "image/jpeg", b"picture " * 1000)
LETTER = Attachment.of_bytes("answer.pdf", "application/pdf", b"no " * 30_000)
FILES = (PHOTO, LETTER)
Plain = tuple[int, bytes, dict[str, str]]


def files() -> tuple[Attachment, ...]:
    """Return two files to attach, each from its beginning."""
    for file in FILES:
        file.source.seek(0)
    return FILES


def put(town: Town, number: int, body: bytes, acceptance: Note | None) -> Plain:
    """Send an attachment; return all that its sender sees of the answer."""
    shown = {"Dengwen-Acceptance": to_base64(acceptance.to_bytes())} if acceptance else {}
    url = f"{DOOR}/v1/attachments/{number}"
    answer: requests.Response = town.session.put(url, data=body, headers=shown)
    headers = {name: value for name, value in answer.headers.items() if name != "Date"}
    return answer.status_code, answer.content, headers


def refuse(town: Town, sealed: SealedPetition, number: int, data: bytes) -> str:
    """Send something as an attachment, which is refused; return the problem's name."""
    with pytest.raises(DoorError) as refusal:
        town.attach(sealed, number, data)
    return refusal.value.problem


def forged(town: Town, sealed: SealedPetition, name: str) -> Note:
    """Return an acceptance of a petition by a key of the forger's."""
    text = Acceptance(
        town.card.office, sealed.manifest.case, sealed.note.hash, town.today, 7200
    ).to_bytes()
    return sign_note(text, SigningKey("intake", make_key(name).seed))


@pytest.mark.parametrize("forger", [None, "a stranger", "gk-1", "reviewer-1"])
def test_who_shows_no_acceptance_cannot_ask_whether_a_petition_is_here(
    town: Town, forger: str | None
) -> None:
    """A case that is here, with the file or without it, and one that never was: one answer."""
    _, here = town.received(attachments=files())
    _, awaited = town.seal(attachments=files())
    town.send(awaited.letter())
    _, unknown = town.seal(attachments=files())
    answers = []
    for sealed in (here, awaited, unknown):
        shown = forged(town, sealed, forger) if forger else None
        for number, body in ((1, sealed.parts["attachment/1"]), (1, b"x"), (7, b""), (0, b"")):
            answers.append(put(town, number, body, shown))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 403
    assert b"not-accepted" in answers[0][1]
    assert town.office.vault.arrived(awaited.manifest.case) == ()


def test_the_forgery_is_all_that_is_wrong(town: Town) -> None:
    """The twin: the same text by the office's own key is taken."""
    _, sealed = town.seal(attachments=files())
    town.send(sealed.letter())
    good = forged(town, sealed, "intake")
    assert put(town, 1, sealed.parts["attachment/1"], good)[0] == 204


def test_who_deposits_a_found_file_learns_nothing_of_who_did_before(town: Town) -> None:
    """Her answers are those to a file that nobody ever sent, to the last header."""
    _, known = town.received(attachments=files())
    _, new = town.seal(attachments=files())
    seen = []
    for sealed in (known, new):
        answer = town.send(sealed.letter())
        one, two = (sealed.parts[f"attachment/{number}"] for number in (1, 2))
        seen.append(
            [
                put(town, 1, one, answer),
                put(town, 1, one, answer),
                put(town, 1, two, answer),
                put(town, 2, two[:-1], answer),
                put(town, 3, one, answer),
                put(town, 2, two, answer),
            ]
        )
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[0]] == [204, 204, 422, 422, 404, 204]


def test_an_acceptance_of_one_case_serves_for_no_other(town: Town) -> None:
    """Whoever has a case of her own cannot send to, or ask about, somebody else's."""
    _, hers = town.seal(attachments=files())
    _, mine = town.seal(attachments=files())
    for sealed in (hers, mine):
        town.send(sealed.letter())
    for number in (1, 2):
        assert refuse(town, mine, number, hers.parts[f"attachment/{number}"]) == "other-bytes"
    bent = dataclasses.replace(
        Acceptance.parse(town.acceptances[mine.manifest.case].text), case=hers.manifest.case
    )
    signature = town.acceptances[mine.manifest.case].signatures
    assert put(town, 1, hers.parts["attachment/1"], Note(bent.to_bytes(), signature))[0] == 403
    assert town.office.vault.arrived(hers.manifest.case) == ()


def test_longer_shorter_and_changed_files_are_refused_and_the_right_one_comes(town: Town) -> None:
    """Nothing of them is kept, and none keeps the right one out."""
    _, sealed = town.seal(attachments=files())
    town.send(sealed.letter())
    right = sealed.parts["attachment/1"]
    for wrong in (right[:-1], right + b"\0", b"", right[:100] + b"\0" + right[101:], right * 2):
        assert refuse(town, sealed, 1, wrong) == "other-bytes"
    assert list(town.office.vault.blobs.names()) == []
    town.attach(sealed, 1)
    assert town.office.vault.arrived(sealed.manifest.case) == (1,)


def test_a_request_that_was_caught_and_is_played_again_changes_nothing(town: Town) -> None:
    """The acceptance is no secret that must be used once: the same file again is the same file."""
    _, sealed = town.received(attachments=files())
    caught = [r for r in town.office.door.requests if r.method == "PUT"]
    for number, request in enumerate(caught, start=1):
        request.body = sealed.parts[f"attachment/{number}"]  # what went by, piece by piece
    before = set(town.office.vault.blobs.names())
    for request in caught * 2:
        assert town.session.send(request).status_code == 204
    town.clock.now += 400 * 86_400  # an acceptance does not grow old
    assert town.session.send(caught[0]).status_code == 204
    assert set(town.office.vault.blobs.names()) == before
    assert town.office.vault.arrived(sealed.manifest.case) == (1, 2)


def test_a_case_that_announces_more_than_the_allowance_does_not_come_in(town: Town) -> None:
    """By the manifest alone: not one byte of the files is taken for it, nor a row written."""
    settings = town.office.vault.settings.folder / SETTINGS_FILE
    with town.office.stopped():
        settings.write_text(settings.read_text().replace("33554432", "150000"))
    _, small = town.seal(attachments=files()[:1])
    _, large = town.seal(attachments=files())
    with pytest.raises(DoorError) as refusal:
        town.send(large.letter())
    assert refusal.value.problem == "allowance"
    assert town.office.vault.case_of(large.manifest.signing_key) is None
    town.send(small.letter())
    town.attach(small, 1)


def test_lengths_that_lie_about_the_files_gain_nothing(town: Town) -> None:
    """Who announces small files cannot send large ones: the manifest's length is the limit."""
    words, sealed = town.seal(attachments=files()[:1])
    _, large = town.seal(attachments=(LETTER,))
    LETTER.source.seek(0)
    lying = signed_again(words, sealed)
    town.send(lying.letter())
    assert refuse(town, lying, 1, large.parts["attachment/1"]) == "other-bytes"


def test_a_file_that_somebody_else_names_is_not_hers_to_have(town: Town) -> None:
    """Who copies a hash out of a manifest has no way to the bytes, nor to whether they are here."""
    _, hers = town.received(attachments=files()[:1])
    words, mine = town.seal(attachments=files()[:1])
    copied = signed_again(words, mine, {"attachment/1": hers.parts["attachment/1"]})
    assert copied.manifest.attachments == hers.manifest.attachments
    town.send(copied.letter())
    town.tick()
    assert town.office.vault.arrived(copied.manifest.case) == ()
    member = town.roster.member(copied.manifest.panel[0])
    answer = town.desk_client(member.id)
    with pytest.raises(Exception, match="not-here-yet"):
        answer.part(copied.manifest.case, "attachment/1")


def test_an_operator_who_exchanges_files_is_found_out(town: Town) -> None:
    """Another petition's sealed file under this one's name: the desk, the reviewer, anybody."""
    _, mine = town.received(attachments=files())
    first, second = mine.manifest.attachments
    folder = town.office.vault.settings.blob_folder
    assert folder is not None
    shutil.copyfile(folder / path_of(second.sha256), folder / path_of(first.sha256))
    opened = town.asked_and_opened(mine)
    reviewer = town.reviewer(mine.manifest.panel[0])
    with pytest.raises(Exception, match="500 damaged"):
        reviewer.open_attachment(opened, 1, io.BytesIO(), io.BytesIO())
    destination = io.BytesIO()
    reviewer.open_attachment(opened, 2, io.BytesIO(), destination)
    LETTER.source.seek(0)
    assert destination.getvalue() == LETTER.source.read()


def test_a_file_that_was_announced_and_never_sent_is_told_to_the_panel(town: Town) -> None:
    """The petition opens; what is missing has a name, and the petitioner sees it too."""
    words, sealed = town.seal(attachments=files())
    town.send(sealed.letter())
    town.attach(sealed, 2)
    town.tick()
    opened = town.asked_and_opened(sealed)
    reviewer = town.reviewer(sealed.manifest.panel[0])
    with pytest.raises(NotHereYetError):
        reviewer.open_attachment(opened, 1, io.BytesIO(), io.BytesIO())
    town.tick()
    assert town.follow_up(words).missing == (1,)
    town.attach(sealed, 1)
    assert town.follow_up(words).missing == ()


def test_the_folder_of_files_tells_neither_case_nor_time(town: Town) -> None:
    """Who carries the disk away finds hashes of sealed bytes, and one time for all of them."""
    _, sealed = town.received(attachments=files())
    folder = town.office.vault.settings.blob_folder
    assert folder is not None
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in found} == {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    }
    assert all(sealed.manifest.case.hex() not in str(path) for path in found)
    everything = [Path(root) for root, _, _ in os.walk(folder)] + found
    assert {path.stat().st_mtime for path in everything} == {0}

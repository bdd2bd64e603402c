"""Sealing keeps to the roster and the draw, and leaves nothing in clear."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from dengwen_audit.statements.manifest import check_against_roster, check_manifest
from dengwen_audit.statements.member import Revocation
from dengwen_audit.text import TextError
from dengwen_keys.contents import IdentityPart
from dengwen_keys.draw import NoPanelError, UnknownExclusionError, draw_panel
from dengwen_keys.errors import SealError
from dengwen_keys.padding import PETITION_BUCKETS
from dengwen_keys.petition_file import SealedPetition, check_file
from dengwen_keys.sealing import Attachment, Draft, seal, seal_to
from tests.keys.office import DRAFT, NAMED, first_case, seal_case, small_roster, words_of


def test_what_is_sealed_is_accepted() -> None:
    """By the server's check, and against the roster it names."""
    case = seal_case(replace(DRAFT, exclusions=("jurisdiction:CN-4403",)), "accepted")
    sealed = SealedPetition.parse(case.sealed.to_bytes())
    assert sealed.manifest == check_manifest(sealed.note)
    check_against_roster(sealed.manifest, small_roster())


def test_the_panel_is_the_one_that_the_words_draw() -> None:
    """From this roster, without whom she excludes."""
    roster, words = small_roster(), words_of("panel")
    exclusions = ("jurisdiction:CN-44",)
    sealed = seal(replace(DRAFT, exclusions=exclusions), words, roster)
    assert sealed.manifest.panel == draw_panel(roster, words.draw_key(roster.hash), exclusions)
    assert set(sealed.manifest.panel) == {"reviewer-4", "reviewer-5", "reviewer-6"}


def test_nothing_of_a_petition_is_in_clear() -> None:
    """Neither what she wrote, nor who she is, whom she excludes, or what her files are called."""
    words = words_of("clear")
    draft = Draft(
        body="needle-in-the-body",
        identity=IdentityPart("needle-name", "needle-contact", "needle-address", "needle-note"),
        language="nee-dle",
        exclusions=("institution:review-house-1", "jurisdiction:CN-4403"),
        attachments=(Attachment.of_bytes("needle.txt", "text/needle", b"needle-in-a-file"),),
    )
    data = seal(draft, words, small_roster()).to_bytes()
    secrets = (b"needle", b"nee-dle", b"review-house", b"CN-4403", words.left(), words.entropy)
    assert not [secret for secret in secrets if secret in data]


def test_sealing_twice_gives_two_files_of_one_case() -> None:
    """That is why a client seals once and keeps the file: the second manifest would be refused."""
    first = seal(DRAFT, words_of("twice"), small_roster())
    second = seal(DRAFT, words_of("twice"), small_roster())
    assert first.manifest.case == second.manifest.case
    assert first.manifest.panel == second.manifest.panel
    assert first.note.hash != second.note.hash


def test_a_seat_gets_its_share_even_if_its_holder_is_revoked() -> None:
    """A seat does not vanish: a missing one would show, and a successor may take it."""
    roster = small_roster()
    revoked = replace(roster, revoked=(Revocation("gate-2", roster.valid_from),))
    assert "share/petition/2" in seal(DRAFT, words_of("revoked"), revoked).parts


def test_a_petition_without_a_panel_is_not_sealed() -> None:
    """Before anything is made, she is told why."""
    with pytest.raises(NoPanelError):
        seal(replace(DRAFT, exclusions=("jurisdiction:CN",)), words_of("none"), small_roster())
    with pytest.raises(UnknownExclusionError):
        seal(replace(DRAFT, exclusions=("jurisdiction:XX",)), words_of("none"), small_roster())


@pytest.mark.parametrize(
    "draft",
    [
        replace(DRAFT, language="English"),
        replace(DRAFT, body="\x00"),
        replace(DRAFT, body="a" * PETITION_BUCKETS[-1]),
        replace(DRAFT, identity=replace(NAMED, address="b" * 1100)),
        replace(DRAFT, attachments=(Attachment.of_bytes("a/b", "text/plain", b""),)),
        replace(DRAFT, attachments=(Attachment.of_bytes("a", "text/plain", b""),) * 65),
        replace(DRAFT, exclusions=tuple(f"member:m-{i}" for i in range(17))),
    ],
)
def test_what_nobody_could_read_is_not_sealed(draft: Draft) -> None:
    """The writer refuses what the reader would."""
    with pytest.raises((TextError, SealError, UnknownExclusionError)):
        seal(draft, words_of("refused"), small_roster())


def test_the_largest_body_is_sealed() -> None:
    """655,360 bytes with everything around it."""
    case = seal_case(replace(DRAFT, body="a" * 655_200), "largest")
    assert len(SealedPetition.parse(case.sealed.to_bytes()).to_bytes()) > 655_360


def test_a_petition_with_large_files_is_sealed_into_a_file(tmp_path: Path) -> None:
    """The manifest comes back, and the file is a sealed petition like any other."""
    path = tmp_path / "mine.petition"
    source = tmp_path / "film.mp4"
    source.write_bytes(bytes(range(256)) * 4096)
    with source.open("rb") as film, path.open("wb") as destination:
        files = (
            Attachment("film.mp4", "video/mp4", 1 << 20, film),
            Attachment.of_bytes("note.txt", "text/plain", b"see the film"),
        )
        draft = replace(DRAFT, attachments=files)
        note = seal_to(destination, draft, words_of("film"), small_roster())
    assert sorted(tmp_path.iterdir()) == [source, path]
    with path.open("rb") as stream:
        assert check_file(stream).note == note
    sealed = SealedPetition.parse(path.read_bytes())
    assert [part.length for part in sealed.manifest.parts[-2:]] == [
        len(sealed.parts["attachment/1"]),
        len(sealed.parts["attachment/2"]),
    ]


@pytest.mark.parametrize("told", [4, 6, 0])
def test_a_file_that_changes_while_it_is_sealed_is_refused(told: int) -> None:
    """Its true length stands in the petition, so it must be true."""
    file = Attachment("a.txt", "text/plain", told, io.BytesIO(b"12345"))
    with pytest.raises(SealError):
        seal(replace(DRAFT, attachments=(file,)), words_of("changing"), small_roster())


def test_secrets_of_a_draft_do_not_print() -> None:
    """Neither drafts nor sealed petitions show their content."""
    for thing in (DRAFT, first_case().sealed):
        assert repr(thing).startswith("<dengwen_keys.")

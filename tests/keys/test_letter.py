"""A letter is what stands before the first attachment: it is posted alone, and checked alone."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from dengwen_audit.errors import AuditError
from dengwen_audit.statements.fields import MAX_PANEL, MAX_SEATS
from dengwen_audit.statements.manifest import IDENTITY, MAX_MANIFEST_BYTES, part_names
from dengwen_keys.age.sizes import sealed_length
from dengwen_keys.context import context_length
from dengwen_keys.errors import KeysError
from dengwen_keys.padding import IDENTITY_BUCKET, LEFT_BUCKET, PETITION_BUCKETS
from dengwen_keys.petition_file import (
    MAX_LETTER_BYTES,
    AttachedError,
    PetitionFileError,
    SealedPetition,
    read_head,
)
from dengwen_keys.sealing import Attachment
from dengwen_keys.shamir import SHARE_SIZE
from tests.keys.office import DRAFT, Case, first_case, seal_case


def with_one_file() -> Case:
    """Return a petition with an attachment of one byte."""
    file = Attachment.of_bytes("a.txt", "text/plain", b"a")
    return seal_case(replace(DRAFT, attachments=(file,)), "one file")


def file_of(case: Case) -> bytes:
    """Return the whole file."""
    return case.sealed.to_bytes()


def test_a_letter_is_what_stands_before_the_attachments() -> None:
    """It is read back alone; letter and attachments in order are the file."""
    sealed = with_one_file().sealed
    letter = sealed.letter()
    assert letter + sealed.parts["attachment/1"] == sealed.to_bytes()
    read = SealedPetition.parse_letter(letter)
    assert (read.note, read.manifest) == (sealed.note, sealed.manifest)
    assert read.to_bytes() == read.letter() == letter
    assert list(read.parts) == list(sealed.parts)[:-1]
    head = read_head(io.BytesIO(letter))
    assert head.letter_length == len(letter)
    assert head.attached_length == len(sealed.parts["attachment/1"])
    assert head.attachments == (sealed.manifest.part("attachment/1"),)


def test_a_petition_without_attachments_is_all_letter() -> None:
    """For most of them nothing else is ever sent."""
    data = file_of(first_case())
    assert SealedPetition.parse_letter(data).to_bytes() == data
    assert read_head(io.BytesIO(data)).letter_length == len(data)


@pytest.mark.parametrize("extra", [1, 100, None])
def test_attachments_behind_a_letter_are_told_from_a_damaged_file(extra: int | None) -> None:
    """Whoever sent them is told to send them later; bytes behind any other letter are damage."""
    sealed = with_one_file().sealed
    with pytest.raises(AttachedError):
        SealedPetition.parse_letter(sealed.letter() + sealed.parts["attachment/1"][:extra])
    with pytest.raises(PetitionFileError) as refusal:
        SealedPetition.parse_letter(file_of(first_case()) + b"x" * (extra or 9))
    assert not isinstance(refusal.value, AttachedError)


def test_a_letter_is_checked_like_a_whole_file() -> None:
    """Cut, changed, or longer than any: refused."""
    letter = with_one_file().sealed.letter()
    assert len(letter) < MAX_LETTER_BYTES
    for bad in (letter[:-1], letter[:-9] + b"\0" + letter[-8:], b"", b"x" * MAX_LETTER_BYTES):
        with pytest.raises((KeysError, AuditError)):
            SealedPetition.parse_letter(bad)
    with pytest.raises(PetitionFileError, match="a letter over"):
        SealedPetition.parse_letter(b"x" * (MAX_LETTER_BYTES + 1))


def test_no_letter_that_a_manifest_can_list_is_over_the_limit() -> None:
    """The largest panel, the most seats and the longest text fit."""
    compartments = tuple(
        replace(line, k=MAX_SEATS, n=MAX_SEATS) for line in first_case().manifest.compartments
    )
    largest = {
        "left": sealed_length(LEFT_BUCKET, MAX_PANEL),
        "compartment/petition": sealed_length(PETITION_BUCKETS[-1], 1),
        "compartment/identity": sealed_length(IDENTITY_BUCKET, 1),
    }
    panel = tuple(f"{'r' * 60}-{number:03}" for number in range(MAX_PANEL))
    share = sealed_length(SHARE_SIZE + context_length(IDENTITY, panel), 1)
    parts = sum(largest.get(name, share) for name in part_names(compartments, 0))
    assert parts + MAX_MANIFEST_BYTES < MAX_LETTER_BYTES < parts + MAX_MANIFEST_BYTES + 300_000

"""Attached files open with their petition, whole and under their own names, or not at all."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from dengwen_keys.errors import DamagedError
from dengwen_keys.opening import AttachmentListError
from dengwen_keys.petition_file import PartHashError, PartLengthError
from dengwen_keys.sealing import Attachment
from tests.keys.office import DRAFT, Case, seal_case
from tests.keys.readers import open_case

FILES = (b"", b"small", bytes(range(256)) * 1000)


@pytest.fixture(scope="module")
def with_files() -> Case:
    """Give a petition with three attachments."""
    attachments = tuple(
        Attachment.of_bytes(f"file {i}.bin", "application/octet-stream", data)
        for i, data in enumerate(FILES)
    )
    return seal_case(replace(DRAFT, attachments=attachments), "files")


def attachment_of(case: Case, number: int, data: bytes | None = None) -> bytes:
    """Open an attachment of *case*, or *data* in its place."""
    sealed = case.sealed.parts[f"attachment/{number}"] if data is None else data
    destination = io.BytesIO()
    open_case(case).open_attachment(number, io.BytesIO(sealed), destination)
    return destination.getvalue()


def test_attachments_open_with_the_petition(with_files: Case) -> None:
    """Their names and true lengths stand in the petition, and they come out as they were."""
    opened = open_case(with_files)
    assert [line.name for line in opened.petition.attachments] == [
        "file 0.bin",
        "file 1.bin",
        "file 2.bin",
    ]
    for number, data in enumerate(FILES, 1):
        assert opened.petition.attachments[number - 1].length == len(data)
        assert attachment_of(with_files, number) == data


def test_attachments_cannot_be_swapped_or_cut(with_files: Case) -> None:
    """Another file in its place, a shorter one or a longer one is refused before it is opened."""
    first, second = (with_files.sealed.parts[f"attachment/{i}"] for i in (1, 2))
    with pytest.raises(PartHashError):
        attachment_of(with_files, 1, second)
    with pytest.raises(PartLengthError):
        attachment_of(with_files, 1, first[:-1])
    with pytest.raises(DamagedError):
        attachment_of(with_files, 1, first + b"\x00")


def test_an_attachment_of_another_length_than_told_is_refused(with_files: Case) -> None:
    """The padding tells the length too, and the two must agree."""
    opened = open_case(with_files)
    lines = opened.petition.attachments
    lying = replace(opened.petition, attachments=(replace(lines[0], length=1), *lines[1:]))
    with pytest.raises(DamagedError):
        replace(opened, petition=lying).open_attachment(
            1, io.BytesIO(with_files.sealed.parts["attachment/1"]), io.BytesIO()
        )


def test_an_attachment_that_is_not_listed_is_refused(with_files: Case) -> None:
    """Neither number 0 nor one past the last exists; nor one that only the manifest has."""
    for number in (0, 4):
        with pytest.raises(AttachmentListError):
            open_case(with_files).open_attachment(number, io.BytesIO(), io.BytesIO())
    fewer = replace(with_files.manifest, parts=with_files.manifest.parts[:-1])
    with pytest.raises(AttachmentListError):
        open_case(with_files.with_manifest(fewer))

"""A sealed petition is accepted whole and unchanged, by anybody, without a key."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.manifest import CaseIdError, Manifest, Part
from dengwen_keys.age.header import HYBRID, Header, Stanza
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.age.sizes import header_length, sealed_length
from dengwen_keys.contents import IdentityPart
from dengwen_keys.errors import FormatError, KeysError
from dengwen_keys.padding import IDENTITY_BUCKET
from dengwen_keys.petition_file import (
    KIND,
    PartHashError,
    PartLengthError,
    PetitionFileError,
    SealedPetition,
    check_file,
    check_part,
    check_part_length,
    first_bytes,
    read_head,
)
from dengwen_keys.sealing import Attachment
from tests.keys.office import DRAFT, Case, first_case, identity_of, seal_case, second_case

SCRYPT = Stanza("scrypt", ("c2FsdHNhbHRzYWx0c2FsdA", "18"), bytes(32))
MLKEM = Stanza(HYBRID, ("A" * 1494,), bytes(32))


def file_of(case: Case) -> bytes:
    """Return the whole file."""
    return case.sealed.to_bytes()


def refuse(data: bytes) -> None:
    """Check that every way to read *data* refuses it."""
    with pytest.raises((KeysError, AuditError)):
        SealedPetition.parse(data)
    with pytest.raises((KeysError, AuditError)):
        check_file(io.BytesIO(data))


def test_a_sealed_petition_is_read_back() -> None:
    """The same bytes come out, and the streaming check agrees."""
    data = file_of(first_case())
    sealed = SealedPetition.parse(data)
    assert sealed.to_bytes() == data
    assert sealed.manifest == first_case().manifest
    assert list(sealed.parts) == [part.name for part in sealed.manifest.parts]
    head = check_file(io.BytesIO(data))
    assert (head.note, head.manifest, head.length) == (sealed.note, sealed.manifest, len(data))


def test_a_part_is_copied_out_of_a_file() -> None:
    """Every part stands where the head says; a changed one is refused."""
    case = first_case()
    source = io.BytesIO(file_of(case))
    head = read_head(source)
    for name, part in case.sealed.parts.items():
        destination = io.BytesIO()
        head.copy_part(source, name, destination)
        assert destination.getvalue() == part
    changed = io.BytesIO(source.getvalue()[:-1] + bytes([source.getvalue()[-1] ^ 1]))
    with pytest.raises(PartHashError):
        head.copy_part(changed, "share/identity/5", io.BytesIO())


def test_every_changed_byte_before_the_parts_is_refused() -> None:
    """The first line, the manifest and its signature have one spelling each."""
    data = file_of(first_case())
    for position in range(len(first_bytes(first_case().sealed.note))):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises((KeysError, AuditError)):
            SealedPetition.parse(bytes(changed))


def test_every_changed_byte_of_every_part_is_refused() -> None:
    """Each part is held to its hash; here byte by byte, and a sample of whole files."""
    case = first_case()
    for line in case.manifest.parts:
        part = bytearray(case.sealed.parts[line.name])
        for position in range(len(part)):
            part[position] ^= 0x80
            with pytest.raises(PartHashError):
                check_part(case.manifest, line, bytes(part))
            part[position] ^= 0x80
    data = file_of(case)
    for position in random.Random(1).sample(range(len(data)), 200):
        refuse(data[:position] + bytes([data[position] ^ 0x80]) + data[position + 1 :])


def test_a_cut_or_lengthened_file_is_refused() -> None:
    """It ends where the last part ends, and nowhere else."""
    data = file_of(first_case())
    for end in [0, 1, 20, len(KIND) + 4, 3000, *range(len(data) - 3, len(data))]:
        refuse(data[:end])
    refuse(data + b"\x00")
    refuse(data + data)


@pytest.mark.parametrize(
    "line",
    [
        b"dengwen/sealed-petition/v2 %d\n",
        b"dengwen/sealed-petition/v1  %d\n",
        b"dengwen/sealed-petition/v1 0%d\n",
        b"dengwen/sealed-petition/v1 +%d\n",
        b"dengwen/sealed-petition/v1 %d\r\n",
        b"dengwen/sealed-petition/v1 \xd9\xa3%d\n",
        b"dengwen/sealed-petition/v1 99%d\n",
        b"%d\n",
    ],
)
def test_another_first_line_is_refused(line: bytes) -> None:
    """There is one spelling of it, and a manifest has a largest length."""
    data = file_of(first_case())
    length = data[len(KIND) :].partition(b"\n")[0]
    refuse(data.replace(data.partition(b"\n")[0] + b"\n", line % int(length), 1))


def test_a_file_that_is_too_long_is_refused_at_once() -> None:
    """Nothing of it is parsed."""
    data = file_of(first_case())
    assert SealedPetition.parse(data, len(data)).to_bytes() == data
    with pytest.raises(PetitionFileError, match="longer than"):
        SealedPetition.parse(data, len(data) - 1)


def test_only_the_case_key_signs() -> None:
    """Another key under the same name, or the key of another case, is refused."""
    first, second = first_case(), second_case()
    note = sign_note(first.sealed.note.text, second.words.signing_key())
    with pytest.raises(SignatureError):
        SealedPetition.parse(replace(first.sealed, note=note).to_bytes())
    both = sign_note(first.sealed.note.text, first.words.signing_key(), second.words.signing_key())
    with pytest.raises(SignatureError):
        SealedPetition.parse(replace(first.sealed, note=both).to_bytes())


def test_a_case_id_is_that_of_its_keys() -> None:
    """Nobody can seal under the id of another's case, not even with her own signature."""
    first, second = first_case(), second_case()
    taken = first.with_manifest(replace(first.manifest, case=second.manifest.case))
    with pytest.raises(CaseIdError):
        SealedPetition.parse(file_of(taken))
    mailbox = first.with_manifest(replace(first.manifest, mailbox=second.manifest.mailbox))
    with pytest.raises(CaseIdError):
        SealedPetition.parse(file_of(mailbox))


@pytest.mark.parametrize(
    "name", ["left", "compartment/petition", "compartment/identity", "share/petition/2"]
)
def test_parts_of_two_petitions_cannot_be_swapped(name: str) -> None:
    """A server, or a carrier, cannot mix two petitions, although the parts are equally long."""
    first, second = first_case(), second_case()
    parts = {**first.sealed.parts, name: second.sealed.parts[name]}
    with pytest.raises(PartHashError) as caught:
        SealedPetition.parse(replace(first.sealed, parts=parts).to_bytes())
    assert caught.value.part == name


def test_parts_in_another_order_are_refused() -> None:
    """Two shares of equal length that change places do not have their hashes."""
    parts = dict(first_case().sealed.parts)
    names = ["share/petition/1", "share/petition/2"]
    parts[names[0]], parts[names[1]] = parts[names[1]], parts[names[0]]
    with pytest.raises(PartHashError):
        SealedPetition.parse(replace(first_case().sealed, parts=parts).to_bytes())


@pytest.mark.parametrize("size", [1, 1023, 1025, 2048, 5120])
def test_an_identity_of_another_size_is_refused(size: int) -> None:
    """Its length would tell something, and the manifest alone shows it."""
    case = first_case().with_part(
        "compartment/identity", encrypt([identity_of("anybody").recipient], bytes(size))
    )
    with pytest.raises(PartLengthError) as caught:
        SealedPetition.parse(file_of(case))
    assert caught.value.part == "compartment/identity"
    refuse(file_of(case))


@pytest.mark.parametrize(
    ("name", "stanzas", "size"),
    [
        ("left", 3, 255),
        ("left", 3, 512),
        ("left", 2, 256),
        ("left", 4, 256),
        ("compartment/petition", 1, 5119),
        ("compartment/petition", 1, 6144),
        ("compartment/petition", 1, 2 * 655_360),
        ("compartment/petition", 2, 5120),
        ("share/petition/1", 1, 600),
        ("share/identity/5", 2, 700),
    ],
)
def test_a_part_of_a_length_that_it_cannot_have_is_refused(
    name: str, stanzas: int, size: int
) -> None:
    """Only full buckets, one length of share, and the right number of recipients."""
    sealed = encrypt([identity_of("anybody").recipient] * stanzas, bytes(size))
    with pytest.raises(PartLengthError):
        SealedPetition.parse(file_of(first_case().with_part(name, sealed)))


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_537, 70_000, 131_072 + 1])
def test_an_attachment_that_fills_no_bucket_is_refused(size: int) -> None:
    """So a file's length does not tell which film it is."""
    case = with_one_file()
    sealed = encrypt([identity_of("anybody").recipient], bytes(size))
    with pytest.raises(PartLengthError):
        SealedPetition.parse(file_of(case.with_part("attachment/1", sealed)))


def with_one_file() -> Case:
    """Return a petition with an attachment of one byte."""
    file = Attachment.of_bytes("a.txt", "text/plain", b"a")
    return seal_case(replace(DRAFT, attachments=(file,)), "one file")


def test_an_impossible_length_is_refused() -> None:
    """A length that no age file has, zero or enormous, is no crash."""
    case = first_case()
    for length in (0, 1, header_length(3), header_length(3) + 1, 2**53 - 1):
        line = Part("left", bytes(32), length)
        with pytest.raises(PartLengthError):
            check_part_length(case.manifest, line)


def with_stanzas(case: Case, name: str, stanzas: list[Stanza]) -> bytes:
    """Return a part whose header has other stanzas, cut or filled up to the length it had."""
    old = case.sealed.parts[name]
    count = 3 if name == "left" else 1
    header = Header(tuple(stanzas), bytes(32)).to_bytes()
    return (header + old[header_length(count) :]).ljust(len(old), b"\x00")[: len(old)]


@pytest.mark.parametrize(
    "stanzas",
    [
        [SCRYPT],
        [MLKEM, SCRYPT],
        [Stanza("X25519", ("A" * 43,), bytes(32))],
        [Stanza("grease", (), b"")],
        [MLKEM, MLKEM],
        [Stanza(HYBRID, ("A" * 1493,), bytes(32))],
        [Stanza(HYBRID, ("A" * 1494, "A"), bytes(32))],
        [Stanza(HYBRID, ("A" * 1494,), bytes(31))],
    ],
)
@pytest.mark.parametrize("name", ["left", "share/petition/1", "compartment/identity"])
def test_other_stanzas_are_refused_before_any_key_is_used(name: str, stanzas: list[Stanza]) -> None:
    """A passphrase that takes a minute, or one recipient more, gets past nobody."""
    forged = with_stanzas(first_case(), name, stanzas)
    case = first_case().with_part(name, forged)
    with pytest.raises(FormatError, match="age"):
        SealedPetition.parse(file_of(case))
    refuse(file_of(case))


@pytest.mark.parametrize("count", [64, 10_000])
def test_many_stanzas_are_refused(count: int) -> None:
    """Ten thousand recipients are refused by the length that they need, in no time."""
    header = Header((MLKEM,) * count, bytes(32)).to_bytes()
    part = header + bytes(sealed_length(IDENTITY_BUCKET, 0))
    with pytest.raises(PartLengthError):
        SealedPetition.parse(file_of(first_case().with_part("compartment/identity", part)))
    tiny = Header((Stanza("a", (), b""),) * count, bytes(32)).to_bytes()
    old = first_case().sealed.parts["left"]
    forged = first_case().with_part("left", tiny[: len(old)].ljust(len(old), b"\x00"))
    refuse(file_of(forged))


def test_only_the_streaming_check_reads_a_part_in_pieces() -> None:
    """A petition with a large file is checked without being in memory, and a flip in it found."""
    file = Attachment.of_bytes("big.bin", "application/octet-stream", bytes(3 << 20))
    data = file_of(seal_case(replace(DRAFT, attachments=(file,)), "big"))

    class Dribble(io.BytesIO):
        """Gives at most 1,000 bytes at a time once the head is read, as a pipe may."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 1000) if self.tell() > len(data) // 2 else size)

    assert check_file(Dribble(data)).length == len(data)
    with pytest.raises(PartHashError):
        check_file(io.BytesIO(data[:-5] + b"\xff" + data[-4:]))
    with pytest.raises(PartLengthError):
        check_file(io.BytesIO(data[:-5]))


def lengths(manifest: Manifest) -> list[int]:
    """Return the length of every part."""
    return [part.length for part in manifest.parts]


def test_a_named_and_an_anonymous_petition_look_the_same() -> None:
    """Every part, the manifest and the whole file are equally long, whoever wrote and what."""
    long_name = IdentityPart("名" * 100, "c" * 100, "a" * 200, "n" * 100)
    drafts = [
        DRAFT,
        replace(DRAFT, identity=IdentityPart()),
        replace(DRAFT, identity=long_name, body="x" * 4000, urgent=True, language="zh-hant"),
        replace(DRAFT, exclusions=("jurisdiction:CN-11",)),
    ]
    cases = [seal_case(draft, f"same {i}") for i, draft in enumerate(drafts)]
    assert len({len(case.sealed.note.to_bytes()) for case in cases}) == 1
    assert len({tuple(lengths(case.manifest)) for case in cases}) == 1
    assert len({len(file_of(case)) for case in cases}) == 1


def test_a_longer_body_takes_the_next_bucket() -> None:
    """What shows is the bucket and nothing finer."""
    small, large = (
        seal_case(replace(DRAFT, body="x" * length), f"body {length}") for length in (4900, 5200)
    )
    differences = [
        (a.name, b.length - a.length)
        for a, b in zip(small.manifest.parts, large.manifest.parts, strict=True)
        if a.length != b.length
    ]
    assert differences == [("compartment/petition", 5120)]


def test_what_the_server_loads_neither_opens_nor_seals() -> None:
    """The module that intake uses brings no identity, no opening and no sealing with it."""
    code = "import sys, dengwen_keys.petition_file; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    ours = {name for name in run.stdout.split() if name.startswith("dengwen_")}
    assert "dengwen_keys.petition_file" in ours
    forbidden = {"age.identities", "age.recipients", "opening", "sealing", "compartment", "words"}
    assert not ours & {f"dengwen_keys.{name}" for name in forbidden}


def test_a_part_is_judged_by_its_hash_before_its_header() -> None:
    """What was changed on the way is told from what was sealed wrongly."""
    case = first_case()
    line = case.manifest.part("left")
    scrypt = with_stanzas(case, "left", [SCRYPT])
    with pytest.raises(PartHashError):
        check_part(case.manifest, line, scrypt)
    signed = replace(line, sha256=hashlib.sha256(scrypt).digest())
    with pytest.raises(FormatError, match="age"):
        check_part(case.manifest, signed, scrypt)

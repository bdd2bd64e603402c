"""Tests of note.py: who signed is known exactly, and a note has one spelling."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.note import (
    COSIGNATURE_V1,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    SigningKey,
    VerificationKey,
    sign_note,
)
from dengwen_audit.text import TextError
from tests.mangling import byte_flips, mangled, refuses_or_respells
from tests.small_log import seed

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "note.json").read_text(encoding="utf-8")
)
ANNA, BELA, CARL = (SigningKey(f"example.org/{name}", seed(name)) for name in ("a", "b", "c"))
TEXT = b"dengwen/example/v1\nname \xe7\x94\xb3\xe8\xaf\x89\n"
NOTE = sign_note(TEXT, ANNA, BELA)
KEYS = [ANNA.verification_key, BELA.verification_key]

# The example of C2SP signed-note.md v1.0.0: a key and a note that it signed.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
)
# The example of C2SP tlog-cosignature.md v1.0.1: a checkpoint, cosigned; its keys are not printed.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_a_note_tells_who_signed() -> None:
    """Both signers are found, in the order asked."""
    note = Note.parse(NOTE.to_bytes())
    assert note == NOTE
    assert note.check(KEYS, 2) == tuple(KEYS)
    assert note.check([CARL.verification_key, KEYS[1]]) == (KEYS[1],)


def test_a_changed_byte_anywhere_is_refused() -> None:
    """In the text, the names, the ids, the signatures or the marks between them."""
    for twin in byte_flips(NOTE.to_bytes()):
        with pytest.raises(AuditError):
            Note.parse(twin).check(KEYS, 2)


@given(mangled(NOTE.to_bytes()))
def test_a_note_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    assert refuses_or_respells(Note.parse, twin)


@given(mangled(NOTE.to_bytes()))
def test_a_twin_that_still_checks_has_the_same_text(twin: bytes) -> None:
    """Signature lines may be doubled or swapped; what they sign may not change."""
    try:
        note = Note.parse(twin)
        note.check(KEYS, 2)
    except AuditError:
        return
    assert note.text == TEXT
    assert note.hash == NOTE.hash


@given(st.text(), st.binary(max_size=80))
def test_no_input_breaks_the_parsers(text: str, data: bytes) -> None:
    """They refuse with their own error, whatever comes."""
    for parse, argument in ((VerificationKey.parse, text), (NoteSignature.parse, text)):
        with pytest.raises(TextError):
            parse(argument)
    with pytest.raises(TextError):
        Note.parse(data)


def test_the_hash_is_of_the_text_alone() -> None:
    """A further signature does not make another note."""
    assert NOTE.hash == hashlib.sha256(TEXT).digest()
    assert NOTE.signed_by(CARL.sign(TEXT)).hash == NOTE.hash


def test_a_line_by_an_unknown_key_says_nothing() -> None:
    """It neither helps nor harms, whatever it holds."""
    stranger = NoteSignature("example.org/stranger", bytes(9))
    assert NOTE.signed_by(stranger).check(KEYS, 2)
    with pytest.raises(SignatureError, match="too few known signatures: 2 of 3"):
        NOTE.signed_by(stranger).check(KEYS, 3)


def test_one_wrong_line_by_a_known_key_condemns_the_note() -> None:
    """Even beside a right one by the same key."""
    wrong = NoteSignature(ANNA.name, ANNA.sign(b"another text\n").blob)
    for lines in ((wrong, *NOTE.signatures), (*NOTE.signatures, wrong)):
        with pytest.raises(SignatureError, match="is wrong"):
            Note(TEXT, lines).check(KEYS, 2)


def test_one_key_counts_once() -> None:
    """Not twice by two lines, nor by being asked for twice, nor under a second name."""
    alias = SigningKey("example.org/alias", ANNA.seed)
    note = sign_note(TEXT, ANNA, ANNA, alias)
    keys = [ANNA.verification_key, ANNA.verification_key, alias.verification_key]
    assert note.check(keys, 1)
    with pytest.raises(SignatureError, match="too few"):
        note.check(keys, 2)


def test_a_signature_of_another_text_is_refused() -> None:
    """The text is what is signed, its last LF included."""
    with pytest.raises(SignatureError):
        Note(TEXT + b"\n", NOTE.signatures).check(KEYS, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        TEXT,
        TEXT + b"\n",
        TEXT + b"\n\n",
        NOTE.to_bytes()[:-1],
        NOTE.to_bytes() + b"\n",
        NOTE.to_bytes().replace(b"\n", b"\r\n"),
        NOTE.to_bytes().replace(b"name", b"na\x00e"),
        NOTE.to_bytes().replace(b"name", b"na\xffe"),
        NOTE.to_bytes().replace("— ".encode(), b"- "),
        NOTE.to_bytes().replace("— ".encode(), "—  ".encode()),
        TEXT + b"\n" + NOTE.signatures[0].to_line().encode() * (MAX_SIGNATURES + 1),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    """No text, no empty line, no signature line, a line too many, other bytes."""
    with pytest.raises(TextError):
        Note.parse(data)


def test_a_long_note_is_refused_unread() -> None:
    """Each reader of notes may set its own limit below the common one."""
    with pytest.raises(TextError, match="longer than 10 bytes"):
        Note.parse(NOTE.to_bytes(), 10)
    with pytest.raises(TextError, match="longer than"):
        Note.parse(b"a" * (MAX_NOTE_BYTES + 1))


def test_a_text_may_hold_empty_lines_and_signature_lines() -> None:
    """The note is split at its last empty line, so a signed note can itself be signed."""
    outer = sign_note(NOTE.to_bytes(), CARL)
    assert Note.parse(outer.to_bytes()) == outer
    assert Note.parse(outer.text) == NOTE
    with pytest.raises(SignatureError):
        Note.parse(outer.to_bytes()).check(KEYS)


def test_a_key_is_read_only_in_its_one_spelling() -> None:
    """Every part is recomputed: no byte of a vkey can change, nor be added or left out."""
    text = KEYS[0].to_text()
    assert VerificationKey.parse(text) == KEYS[0]
    twins = [twin.decode("latin-1") for twin in byte_flips(text.encode())]
    twins += [text + "=", text[:-1], text + "\n", text.replace("+", "++", 1), text.upper()]
    for twin in twins:
        with pytest.raises(TextError):
            VerificationKey.parse(twin)


def test_a_key_of_an_unknown_algorithm_is_refused() -> None:
    """Also if its id is right: types 0x02, 0x05 and 0x06 are not read here."""
    for algorithm in (0x00, 0x02, 0x05, 0x06, 0xFF):
        with pytest.raises(TextError, match="unknown algorithm"):
            VerificationKey.parse(VerificationKey("a", algorithm, bytes(32)).to_text())


def test_a_cosigning_key_signs_no_notes() -> None:
    """What it would sign could be taken for a cosignature's message, or the reverse."""
    key = SigningKey("example.org/w", seed("w"), COSIGNATURE_V1)
    with pytest.raises(AssertionError, match="internal error"):
        sign_note(TEXT, key)
    posing = NoteSignature(key.name, key.verification_key.id + key.sign_bytes(TEXT))
    with pytest.raises(SignatureError, match="too few"):
        Note(TEXT, (posing,)).check([key.verification_key])


def test_a_private_key_is_not_printed() -> None:
    """Neither its seed nor a spelling of it is in the text of the object."""
    for shown in (repr(ANNA), str(ANNA), f"{ANNA}"):
        assert shown == "SigningKey('example.org/a')"


def test_the_published_note_checks_under_the_published_key() -> None:
    """The standard's own example: its key is read and spelt alike, its signature verifies."""
    key = VerificationKey.parse(EXAMPLE_KEY)
    assert key.to_text() == EXAMPLE_KEY
    assert Note.parse(EXAMPLE_NOTE.encode()).check([key]) == (key,)
    with pytest.raises(SignatureError):
        Note.parse(EXAMPLE_NOTE.replace("message.", "message!").encode()).check([key])


def test_the_published_checkpoint_is_read_and_written_back() -> None:
    """Names and ids are those that the standard prints."""
    note = Note.parse(SOFA.encode())
    assert note.to_bytes() == SOFA.encode()
    assert [line.name for line in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert [line.key_id.hex() for line in note.signatures] == ["033de0ae", "8d66cf3f"]


@pytest.mark.parametrize("case", VECTORS["notes"], ids=lambda case: str(case["comment"]))
def test_the_shared_notes_are_judged_alike(case: dict[str, str | list[str]]) -> None:
    """The file that the browser's reader is held against holds for this one too."""
    note, keys = str(case["note"]), [VerificationKey.parse(key) for key in case["keys"]]
    threshold = int(str(case["threshold"]))
    if case["expect"] == "ok":
        assert Note.parse(note.encode()).check(keys, threshold)
        return
    error = {"format": TextError, "signature": SignatureError}[str(case["expect"])]
    with pytest.raises(error):
        Note.parse(note.encode()).check(keys, threshold)


@pytest.mark.parametrize("case", VECTORS["ed25519"], ids=lambda case: str(case["comment"]))
def test_the_shared_edges_of_ed25519_are_judged_alike(case: dict[str, str]) -> None:
    """Small-order and non-canonical keys and signatures, on which libraries disagree."""
    key = VerificationKey("a", 1, bytes.fromhex(case["key"]))
    accepted = key.is_signature(bytes.fromhex(case["signature"]), bytes.fromhex(case["message"]))
    assert accepted == (case["expect"] == "ok")

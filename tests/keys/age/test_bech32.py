"""Bech32, checked against the textbook's loop and the BIP's own examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys.age import bech32
from dengwen_keys.errors import FormatError

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _textbook_checksum(prefix: str, values: list[int]) -> list[int]:
    """Divide by the generator one letter after another, as BIP 173 describes it."""
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    letters = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    register = 1
    for value in [*letters, *values, 0, 0, 0, 0, 0, 0]:
        top, register = register >> 25, (register & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            if top >> bit & 1:
                register ^= generator[bit]
    return [(register ^ 1) >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]


def _textbook_encode(prefix: str, data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    return f"{prefix}1" + "".join(LETTERS[v] for v in values + _textbook_checksum(prefix, values))


@pytest.mark.parametrize(
    ("prefix", "text", "data"),
    [
        ("a", "a12uel5l", ""),
        (
            "abcdef",
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
            "00443214c74254b635cf84653a56d7c675be77df",
        ),
    ],
)
def test_the_examples_of_the_standard_are_read_and_written(
    prefix: str, text: str, data: str
) -> None:
    """Source: BIP 173, "Test vectors"; the second spells the numbers 0 to 31."""
    assert bech32.decode(prefix, text, len(data) // 2) == bytes.fromhex(data)
    assert bech32.encode(prefix, bytes.fromhex(data)) == text


@given(st.sampled_from(["age1pq", "age-secret-key-pq-", "x"]), st.binary(max_size=60))
def test_the_quick_way_agrees_with_the_textbook(prefix: str, data: bytes) -> None:
    """Tables and big integers change nothing but the time."""
    text = bech32.encode(prefix, data)
    assert text == _textbook_encode(prefix, data)
    assert bech32.decode(prefix, text, len(data)) == data


def test_a_recipient_of_full_length_agrees_with_the_textbook() -> None:
    """1,216 bytes are 1,959 characters."""
    data = bytes(range(256)) * 4 + bytes(192)
    text = bech32.encode("age1pq", data)
    assert len(text) == 1959
    assert text == _textbook_encode("age1pq", data)


@given(
    st.integers(0, 57), st.sampled_from([*LETTERS, "1", "b", "i", "o", "A", "_", " ", "é", "中"])
)
def test_a_changed_letter_anywhere_is_refused(position: int, letter: str) -> None:
    """Including letters that are none, and those that `int` would forgive."""
    text = bech32.encode("age", bytes(range(32)))
    changed = text[:position] + letter + text[position + 1 :]
    if changed != text:
        with pytest.raises(FormatError):
            bech32.decode("age", changed, 32)


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("capitals", "A12UEL5L"),
        ("another prefix", "b12uel5l"),
        ("the separator left out", "a2uel5l"),
        ("a letter more", "a1q2uel5l"),
        ("a letter less", "a12uel5"),
        ("nothing", ""),
    ],
)
def test_another_spelling_is_refused(comment: str, text: str) -> None:
    """One value has one spelling."""
    with pytest.raises(FormatError):
        bech32.decode("a", text, 0)


def test_padding_that_is_not_zero_is_refused() -> None:
    """The last letter of one byte carries three bits; the two others must be zero."""
    values = [0, 1]  # 00000 00001
    text = "a1" + "".join(LETTERS[v] for v in values + _textbook_checksum("a", values))
    with pytest.raises(FormatError, match="padding"):
        bech32.decode("a", text, 1)

"""Lengths of age files, foretold and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys.age import sizes
from dengwen_keys.age.identities import Identity
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.errors import FormatError

RECIPIENT = Identity.from_seed(bytes(32)).recipient


@pytest.mark.parametrize("length", [0, 1, 65535, 65536, 65537, 131072, 131073])
@pytest.mark.parametrize("recipients", [1, 2, 5])
def test_the_length_of_a_file_is_foretold(length: int, recipients: int) -> None:
    """A server can compare a file's length with its bucket before it reads a byte."""
    file = encrypt([RECIPIENT] * recipients, bytes(length))
    assert sizes.sealed_length(length, recipients) == len(file)


def test_a_small_file_costs_what_the_documentation_says() -> None:
    """An empty file to 1, 3 and 5 recipients."""
    assert [sizes.sealed_length(0, n) for n in (1, 3, 5)] == [1659, 4773, 7887]


@given(st.integers(0, 2**40))
def test_a_payload_tells_the_length_of_its_plaintext(length: int) -> None:
    """Nothing is opened for it."""
    payload = sizes.sealed_length(length, 1) - sizes.header_length(1)
    assert sizes.plaintext_length(payload) == length


@pytest.mark.parametrize(
    "length",
    [
        *(0, 15, 16, 31),  # no nonce, half a nonce, no chunk, half a tag
        *(16 + 65552 + 1, 16 + 65552 + 16),  # an empty chunk after a full one
    ],
)
def test_a_length_that_no_payload_has_is_refused(length: int) -> None:
    """Every chunk has a tag, and only an empty file has an empty chunk."""
    with pytest.raises(FormatError):
        sizes.plaintext_length(length)

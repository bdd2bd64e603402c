"""Contents come in buckets, and a padded form says the same thing in one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys import padding
from dengwen_keys.errors import FormatError, SealError
from dengwen_keys.padding import attachment_bucket, pad, petition_bucket, unpad
from tests.keys.vectors import read_vectors

VECTORS = read_vectors("padding.json")


@given(st.binary(max_size=100), st.integers(0, 100))
def test_unpadding_inverts_padding(content: bytes, more: int) -> None:
    """For any content that fits."""
    assert unpad(pad(content, len(content) + 8 + more)) == content


@given(st.binary(max_size=20))
def test_what_unpads_has_no_second_spelling(padded: bytes) -> None:
    """Of any bytes, only those that `pad` would write are accepted."""
    try:
        content = unpad(padded)
    except FormatError:
        return
    assert pad(content, len(padded)) == padded


@pytest.mark.parametrize("entry", VECTORS["padded"])
def test_the_shared_vectors_hold(entry: dict[str, str]) -> None:
    """Both ways."""
    content, padded = bytes.fromhex(entry["content"]), bytes.fromhex(entry["padded"])
    assert pad(content, int(entry["size"])) == padded
    assert unpad(padded) == content


@pytest.mark.parametrize("entry", VECTORS["refused"], ids=lambda entry: entry["comment"])
def test_anything_else_is_refused(entry: dict[str, str]) -> None:
    """A hidden byte behind the content, or a content that is not all there."""
    with pytest.raises(FormatError):
        unpad(bytes.fromhex(entry["padded"]))


def test_content_that_does_not_fit_is_refused() -> None:
    """To the byte."""
    assert len(pad(bytes(248), padding.LEFT_BUCKET)) == 256
    for size in (padding.LEFT_BUCKET, 7, 0):
        with pytest.raises(SealError):
            pad(bytes(249), size)


@pytest.mark.parametrize("entry", VECTORS["petition"])
def test_a_petition_falls_into_its_bucket(entry: dict[str, int]) -> None:
    """5,120 bytes, or twice the next smaller."""
    assert petition_bucket(entry["length"]) == entry["bucket"]


@pytest.mark.parametrize("entry", VECTORS["attachment"])
def test_an_attachment_falls_into_its_bucket(entry: dict[str, int]) -> None:
    """Four buckets between a power of two and the next."""
    assert attachment_bucket(entry["length"]) == entry["bucket"]


def test_what_fits_no_bucket_is_refused() -> None:
    """Petitions to 640 KiB, attachments to 3.5 GiB."""
    with pytest.raises(SealError, match="petition"):
        petition_bucket(VECTORS["petition-too-long"])
    with pytest.raises(SealError, match="attachment"):
        attachment_bucket(VECTORS["attachment-too-long"])


@given(st.integers(0, 2**31))
def test_an_attachment_grows_by_a_quarter_at_most(length: int) -> None:
    """Past the smallest bucket."""
    bucket = attachment_bucket(length)
    assert bucket in padding.ATTACHMENT_BUCKETS
    assert length + 8 <= bucket
    assert bucket == 65536 or bucket * 4 <= (length + 8) * 5


def test_there_are_few_buckets() -> None:
    """Eight for petitions, sixty-four for attachments, ascending."""
    assert tuple(5120 * 2**k for k in range(8)) == padding.PETITION_BUCKETS
    assert len(padding.ATTACHMENT_BUCKETS) == 64
    assert sorted(set(padding.ATTACHMENT_BUCKETS)) == list(padding.ATTACHMENT_BUCKETS)

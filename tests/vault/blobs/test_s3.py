"""Blobs in an object store, as its server in another process has them."""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from dengwen_vault.blobs.s3 import S3Blobs
from dengwen_vault.blobs.store import check_blob, fetch, path_of
from dengwen_vault.errors import MissingBlobError, UnavailableError, WrongBlobError
from tests.vault.conftest import S3_URL
from tests.vault.s3_server import Gate, S3Server

DATA = b"sealed bytes " * 1000
SHA256 = hashlib.sha256(DATA).digest()
KEY = f"office/{path_of(SHA256)}"


def test_what_was_put_is_read_back(s3: S3Server) -> None:
    """Whole, in pieces, and by its name; below the prefix, under the hash, byte for byte."""
    blobs = S3Blobs(S3_URL)
    assert blobs.put(DATA) == SHA256
    assert blobs.has(SHA256)
    assert list(blobs.names()) == [SHA256]
    assert fetch(blobs, SHA256, len(DATA)) == DATA
    assert blobs.read(SHA256, 7, 6) == DATA[7:13]
    assert blobs.read(SHA256, len(DATA) - 2, 100) == DATA[-2:]
    assert blobs.read(SHA256, len(DATA), 1) == b""
    check_blob(blobs, SHA256, len(DATA))
    assert s3.objects() == {KEY: DATA}


def test_a_large_blob_goes_in_one_piece(s3: S3Server) -> None:
    """The condition that nothing is overwritten holds for it as well."""
    data = bytes(range(256)) * (16 << 12)
    blobs = S3Blobs(S3_URL)
    sha256 = blobs.put(data)
    assert fetch(blobs, sha256, len(data)) == data


def test_what_was_never_put_is_missing(s3: S3Server) -> None:
    """A store without it says so, and is not called away."""
    blobs = S3Blobs(S3_URL)
    assert not blobs.has(bytes(32))
    for ask in (fetch, check_blob):
        with pytest.raises(MissingBlobError):
            ask(blobs, bytes(32), 1)


@pytest.mark.parametrize("instead", [b"", DATA[:-1], DATA + b"\0", b"x" * len(DATA)])
def test_an_object_that_changed_is_told_and_mended(s3: S3Server, instead: bytes) -> None:
    """Whoever runs the store cannot pass other bytes for those that were put."""
    blobs = S3Blobs(S3_URL)
    blobs.put(DATA)
    s3.overwrite(KEY, instead)
    for ask in (fetch, check_blob):
        with pytest.raises(WrongBlobError):
            ask(blobs, SHA256, len(DATA))
    blobs.put(DATA)
    assert s3.objects() == {KEY: DATA}


def test_twice_is_once_and_never_overwritten(s3: S3Server) -> None:
    """A bucket that keeps every version keeps one of each blob, and one more of a mended one."""
    s3.keep_versions()
    blobs = S3Blobs(S3_URL)
    for _ in range(3):
        blobs.put(DATA)
    assert s3.versions() == 1
    s3.overwrite(KEY, b"something else")
    blobs.put(DATA)
    blobs.put(DATA)
    assert s3.versions() == 3


def test_many_at_once_are_one(s3: S3Server) -> None:
    """All but one find it there, and that it is right."""
    blobs = S3Blobs(S3_URL)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(blobs.put, [DATA] * 8)) == {SHA256}
    assert s3.objects() == {KEY: DATA}


def test_what_is_no_blob_has_no_name(s3: S3Server) -> None:
    """A bucket may hold other things."""
    s3.overwrite("office/README", b"x")
    s3.overwrite(f"office/zz/{SHA256.hex()}", b"x")
    s3.overwrite(f"elsewhere/{path_of(SHA256)}", b"x")
    assert list(S3Blobs(S3_URL).names()) == []


def test_a_store_out_of_reach_is_told_as_that_and_comes_back(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Every question is refused for now; nothing names the address, the object or the keys."""
    caplog.set_level(logging.DEBUG)
    blobs = S3Blobs(S3_URL)
    blobs.put(DATA)
    gate.close()
    said = ""
    for ask in (
        lambda: blobs.put(b"other"),
        lambda: blobs.read(SHA256, 0, 1),
        lambda: blobs.has(SHA256),
        lambda: list(blobs.names()),
    ):
        with pytest.raises(UnavailableError) as refusal:
            ask()
        assert refusal.value.__cause__ is None
        said += str(refusal.value)
    said += caplog.text
    assert all(word not in said for word in ("127.0.0.1", SHA256.hex(), "a secret", "attachments/"))
    gate.open()
    assert fetch(blobs, SHA256, len(DATA)) == DATA
    assert not blobs.has(hashlib.sha256(b"other").digest())


def test_a_bucket_that_is_not_there_is_told(s3: S3Server) -> None:
    """A misspelt setting is no crash."""
    with pytest.raises(UnavailableError):
        S3Blobs("s3://another-bucket/office").put(DATA)

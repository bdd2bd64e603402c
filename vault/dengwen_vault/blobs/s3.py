"""
Blobs in an object store that speaks S3.

The setting names the bucket and a prefix, and nothing secret: keys, region and address come from
the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``,
``AWS_ENDPOINT_URL``, and ``AWS_ALLOW_HTTP`` for tests), as every tool for such stores has it.

An object is put on condition that there is none of its name. If there is one, it is read back: a
store that forgets the condition overwrites the same bytes, and one that has other bytes is put
right. The library's own messages hold names and addresses, so none of them is passed on.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dengwen_vault.blobs.store import check_blob, name_of, path_of
from dengwen_vault.errors import (
    MissingBlobError,
    SettingsError,
    UnavailableError,
    WrongBlobError,
)

try:
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError
    from obstore.store import S3Store
except ImportError as error:  # an extra of its own
    raise SettingsError("attachments in S3 need the extra `s3`: see docs/runbooks") from error

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

CONNECT_TIMEOUT = datetime.timedelta(seconds=5)
TIMEOUT = datetime.timedelta(seconds=60)  # for one whole answer
RETRIES = 2
RETRY_TIMEOUT = datetime.timedelta(seconds=10)


class S3Blobs:
    """
    Blobs in a bucket.

    Args:
        url: ``s3://bucket/prefix``.
    """

    def __init__(self, url: str) -> None:
        """Read the environment; nothing is asked yet."""
        client: ClientConfig = {
            "connect_timeout": CONNECT_TIMEOUT,
            "timeout": TIMEOUT,
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "") == "true",
            "user_agent": "dengwen",
        }
        retry: RetryConfig = {"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT}
        with _unavailable():
            self._store = S3Store.from_url(url, client_options=client, retry_config=retry)

    def put(self, data: bytes) -> bytes:
        """Store a blob; see `Blobs.put`. An object store answers when it is durable."""
        sha256 = hashlib.sha256(data).digest()
        with _unavailable():
            try:
                # In one piece: a store can attach the condition to nothing else.
                obstore.put(self._store, path_of(sha256), data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                self._mend(sha256, data)
        return sha256

    def read(self, sha256: bytes, start: int, length: int) -> bytes:
        """Return a piece of a blob; see `Blobs.read`."""
        with _unavailable():
            try:
                size = obstore.head(self._store, path_of(sha256))["size"]
                end = min(start + length, size)
                if end <= start:
                    return b""
                found = obstore.get_range(self._store, path_of(sha256), start=start, end=end)
            except FileNotFoundError:
                raise MissingBlobError from None
            return bytes(found)

    def has(self, sha256: bytes) -> bool:
        """Tell whether there is a blob of this name."""
        with _unavailable():
            try:
                obstore.head(self._store, path_of(sha256))
            except FileNotFoundError:
                return False
            return True

    def names(self) -> Iterator[bytes]:
        """Go through the names of all blobs."""
        with _unavailable():
            for some in obstore.list(self._store):
                for found in some:
                    if sha256 := name_of(found["path"]):
                        yield sha256

    def _mend(self, sha256: bytes, data: bytes) -> None:
        try:
            check_blob(self, sha256, len(data))
        except (WrongBlobError, MissingBlobError):
            obstore.put(self._store, path_of(sha256), data, use_multipart=False)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Say that the store cannot do something now, without the words of the library."""
    try:
        yield
    except (BaseError, OSError):
        raise UnavailableError("the store of attachments cannot do this now") from None

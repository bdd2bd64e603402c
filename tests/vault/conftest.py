"""An office for each test that asks for one, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dengwen_vault.blobs.local import LocalBlobs
from dengwen_vault.schema import Places
from dengwen_vault.segments import Segments
from tests.vault.office import VaultOffice
from tests.vault.s3_server import BUCKET, HOST, Gate, S3Server

S3_URL = f"s3://{BUCKET}/office"


@pytest.fixture(scope="session")
def running_s3() -> Iterator[S3Server]:
    """Run an S3 server for this test process."""
    server = S3Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def s3(running_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Give an S3 server with an empty bucket, and the environment that leads to it."""
    running_s3.empty()
    lead_to(monkeypatch, running_s3.url)
    return running_s3


@pytest.fixture
def mortal_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """Give an S3 server that the test may kill, and the environment that leads to it."""
    server = S3Server()
    server.start()
    lead_to(monkeypatch, server.url)
    yield server
    server.kill()


@pytest.fixture
def gate(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give a gate before the S3 server, open, and the environment that leads through it."""
    gate = Gate(s3.port)
    gate.open()
    lead_to(monkeypatch, f"http://{HOST}:{gate.port}")
    yield gate
    gate.close()


def lead_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Set the environment of an office's processes as an operator does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of the store")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    """Give an empty place for blobs in a folder."""
    return LocalBlobs(tmp_path / "blobs")


@pytest.fixture
def places(tmp_path: Path, database_url: str, blobs: LocalBlobs) -> Places:
    """Give what lies outside the database: nothing yet."""
    is_sqlite = database_url.startswith("sqlite")
    return Places(blobs, Segments(tmp_path / "sealed") if is_sqlite else None)


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[VaultOffice]:
    """Give an office whose log is empty: once on SQLite, once on PostgreSQL."""
    office = VaultOffice(tmp_path, database_url)
    yield office
    office.close()


@pytest.fixture
def open_office(office: VaultOffice) -> VaultOffice:
    """Give an office whose card and roster are in the log."""
    office.tick()
    return office


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[VaultOffice]:
    """Give an office on SQLite whose card and roster are in the log."""
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path / 'vault.sqlite3'}")
    office.tick()
    yield office
    office.close()

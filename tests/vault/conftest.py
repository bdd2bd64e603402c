"""An office for each test that asks for one, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vault.office import VaultOffice


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

"""Two offices, one twenty times as old as the other."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.growth.office import AUDITOR, AgedOffice
from bench.growth.petitions import Petitions
from bench.growth.visit import Stage
from dengwen_audit.statements.grant import Grant
from tests.small_office import OFFICE, TODAY, sign_by_roots
from tests.vault.office import VaultOffice

YOUNG, OLD = 250, 5_000  # cases
ORIGINALS = 8
LINES = 100  # of the desk's page
GROUP = 8  # petitions at once


@pytest.fixture(scope="session")
def petitions(tmp_path_factory: pytest.TempPathFactory) -> Petitions:
    """Give petitions without number, made of some that were really sealed."""
    return Petitions(ORIGINALS, tmp_path_factory.mktemp("growth") / "pool")


@pytest.fixture(scope="session")
def stages(
    tmp_path_factory: pytest.TempPathFactory, petitions: Petitions
) -> Iterator[tuple[Stage, Stage]]:
    """Give a young office and an old one at work."""
    folder = tmp_path_factory.mktemp("offices")
    database = "sqlite:///vault.sqlite3"
    offices = (
        AgedOffice(folder / str(cases), database, petitions, cases) for cases in (YOUNG, OLD)
    )
    young, old = (Stage(office, LINES, GROUP) for office in offices)
    with young, old:
        yield young, old


@pytest.fixture
def young(stages: tuple[Stage, Stage]) -> Stage:
    """Give the young office."""
    return stages[0]


@pytest.fixture
def old(stages: tuple[Stage, Stage]) -> Stage:
    """Give the old office."""
    return stages[1]


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[VaultOffice]:
    """Give an office on SQLite without a past, whose card and roster are in the log."""
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path / 'vault.sqlite3'}")
    grant = Grant(OFFICE, *AUDITOR, 0, TODAY + datetime.timedelta(days=30))
    office.vault.post_grant(sign_by_roots(grant.to_bytes()))
    office.tick()
    yield office
    office.close()

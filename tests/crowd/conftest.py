"""A door that is open, and petitions for a crowd."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.crowd.fill import fill
from tests.crowd.open_door import OpenDoor, open_door

SEALED, DIFFERENT = 60, 600


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    """Open a door for one test."""
    with open_door(tmp_path) as door:
        yield door


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a small pool, most of it under new case keys."""
    path = tmp_path_factory.mktemp("crowd") / "pool"
    fill(SEALED, path, DIFFERENT)
    return path

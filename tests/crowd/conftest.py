"""A door that is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowd.open_door import OpenDoor, open_door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    """Open a door for one test."""
    with open_door(tmp_path) as door:
        yield door

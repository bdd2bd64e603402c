"""A town to attack, and its operator, for each test that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.town import Town
from tests.town_operator import Operator


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Give a town that the test may wreck."""
    with Town(tmp_path) as town:
        yield town


@pytest.fixture
def operator(town: Town) -> Operator:
    """Give the operator of that town."""
    return Operator(town)

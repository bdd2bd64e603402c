"""The short form of an hour's absence: a minute of records, made in some seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.away import stay_away
from tests.faults.storm import Storm
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow
RECORDS = 60


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office under load whose log can go on without any one of its witnesses."""
    with Storm(tmp_path_factory.mktemp("house"), seed=14, spares_mirror=True) as running:
        yield running


@pytest.mark.parametrize("name", ["gk-1", MIRROR])
def test_whoever_was_away_catches_up(storm: Storm, name: str) -> None:
    """The log goes on without one of its witnesses; it then has every record, and answers."""
    stay_away(storm, name, RECORDS)

"""The mirror is away for an hour of ticks of one second, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.away import AN_HOUR, stay_away
from tests.faults.storm import Storm
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office under load whose log can go on without any one of its witnesses."""
    with Storm(tmp_path_factory.mktemp("house"), seed=15, spares_mirror=True) as running:
        yield running


def test_an_hour_of_records_without_the_mirror(storm: Storm) -> None:
    """3,600 records are made, cosigned by the others and published; then it catches up."""
    storm.load.pause_seconds = 3.0  # it is the records that are to make the machine work
    stay_away(storm, MIRROR, AN_HOUR)

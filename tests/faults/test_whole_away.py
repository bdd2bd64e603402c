"""A gatekeeper and the mirror are away for an hour of ticks of one second, and come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.faults.away import stay_away
from tests.faults.storm import Storm
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow
AN_HOUR = 3600  # seconds, or records


def _alone(name: str) -> ParameterSet:
    """Where several tests run at once, let this one, of the longest, have a house of its own."""
    return pytest.param(name, marks=pytest.mark.xdist_group(f"away-{name}"))


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office under load whose log can go on without any one of its witnesses."""
    with Storm(tmp_path_factory.mktemp("house"), seed=14, spares_mirror=True) as running:
        yield running


@pytest.mark.parametrize("name", [_alone("gk-1"), _alone(MIRROR)])
def test_an_hour_of_records_without_one_of_them(storm: Storm, name: str) -> None:
    """3,600 records are made, cosigned by the others and published; then it catches up."""
    storm.load.pause_seconds = 3.0  # it is the records that are to make the machine work
    stay_away(storm, name, AN_HOUR)


def test_an_hour_without_a_quorum(storm: Storm, tmp_path: Path) -> None:
    """Both are away, and everybody's clock goes on by an hour: the log waits, petitions come in."""
    names = storm.house.names
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="ascii")
    storm.house.clocks = dict.fromkeys(names, str(clock))
    storm.house.down(*names)
    storm.house.up()
    storm.house.wait()
    storm.load.pause_seconds = 0.1
    storm.load.go()
    storm.grow(1)
    with storm.house.without(MIRROR, "gk-1"):
        storm.stands_still(lambda: storm.size)  # one that had its quorum is still made public
        size, accepted = storm.size, len(storm.load.accepted)
        step = tmp_path / "step"
        step.write_text(str(AN_HOUR), encoding="ascii")
        step.replace(clock)
        storm.wait_until(lambda: len(storm.load.accepted) > accepted, "nothing is accepted")
        assert storm.size == size
    storm.grow(2)
    storm.judge.judge(finally_=True)
    assert not storm.house.ended

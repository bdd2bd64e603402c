"""A holder is away while records are made, under load, and comes back."""

from __future__ import annotations

from tests.faults.launch import Faults
from tests.faults.storm import Storm
from tests.patience import PATIENCE
from tests.town_people import MIRROR

AN_HOUR = 3600  # records of one second each
_EACH = 5.0  # seconds for a record, at the most


def stay_away(storm: Storm, name: str, records: int) -> None:
    """
    Let a gatekeeper or the mirror be away for so many *records*, and judge when it has caught up.

    The sequencer hurries meanwhile: each record is made, cosigned and published as always, only
    sooner after the one before.
    """
    storm.load.go()
    storm.grow(1)
    storm.house.kill("sequencer", Faults(hurried=True))
    with storm.house.without(name):
        size, asked, accepted = storm.size, len(storm.load.asked), len(storm.load.accepted)
        storm.wait_for_size(size + records, seconds=PATIENCE + _EACH * records)
        _wait_for(storm, asked, accepted)
        meanwhile = list(storm.load.asked[asked:])
    storm.house.kill("sequencer")
    storm.judge.judge()
    assert not storm.house.ended
    if name != MIRROR:
        answers = storm.house.tap.answers()
        missing = [one for one in meanwhile if (name, one.asked.hash) not in answers]
        assert not missing, f"{len(missing)} of {len(meanwhile)} requests have no answer of {name}"


def _wait_for(storm: Storm, asked: int, accepted: int) -> None:
    """Wait until somebody has asked, and something was accepted, while the holder is away."""
    storm.wait_until(lambda: len(storm.load.asked) > asked, "nobody asks")
    storm.wait_until(lambda: len(storm.load.accepted) > accepted, "nothing is accepted")

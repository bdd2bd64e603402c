"""The short form of `make bench-crowd`: a crowd that is more than can be taken at once."""

from pathlib import Path

import pytest

from bench.crowd.generator import Phase
from bench.crowd.pool import Pool, fill
from bench.crowd.run import Run, measure


@pytest.mark.parametrize("processes", [1, 2])
def test_a_crowd_is_held_and_nothing_that_was_signed_for_is_lost(
    tmp_path: Path, processes: int
) -> None:
    """Everybody who arrives is accepted in the end, nobody is refused for good, all is on disk."""
    fill(250, tmp_path / "pool")
    phases = [Phase("calm", 0.5, 100), Phase("storm", 0.1, 1500), Phase("after", 0.5, 60)]
    figures = measure(Run("short", "door", phases, processes), Pool(tmp_path / "pool"))
    assert figures.offered > 100
    assert figures.accepted == figures.offered
    assert (figures.lost, figures.errors, figures.gone) == (0, 0, 0)

"""What the bench makes of a run: its numbers, its table and its plots."""

from pathlib import Path
from typing import Any

import pytest

from bench.crowd import limits
from bench.crowd.book import Book, ramp_name
from bench.crowd.diary import Diary, Second, best_window, percentile
from bench.crowd.figures import Figures, Observed, calm_after, figures_of, slope_of
from bench.crowd.phases import Phase, Span, schedule, spans
from bench.crowd.report import write_report
from bench.crowd.watch import Sample

NAMES = (limits.LOAD, limits.SYNCS, limits.WRITES, limits.HASHES, limits.SIGNATURES)
PHASES = (Phase("before", 3, 10), Phase("storm", 4, 100), Phase("after", 5, 10))


def _diary() -> Diary:
    """Ten a second are accepted at once, but for the storm and two seconds after it."""
    diary = Diary()
    for number in range(12):
        is_storm = 3 <= number < 9
        second = diary.at(number)
        second.offered = 100 if 3 <= number < 7 else 10
        second.at_once = second.accepted = 5 if is_storm else 10
        second.refused = second.offered - second.at_once
        for place in range(second.accepted):
            diary.answered.append(number + 0.5)
            diary.waited.append(0.1 + 0.01 * place)
            diary.first.append(1)
    return diary


def _figures(name: str = "storm") -> Figures:
    samples = [Sample(float(s), 0.5 * s, 100_000_000 + s, 1000 * s) for s in range(13)]
    gauge = [("queue", 1.2, 7), ("queue", 3.3, 90), ("group", 1.3, 4), ("group", 1.4, 8)]
    return figures_of(name, "some", Observed(PHASES, _diary(), samples, gauge))


def test_the_figures_are_those_of_the_seconds() -> None:
    """Each is counted where it belongs."""
    figures = _figures()
    assert figures.offered == 480
    assert figures.accepted == 90
    assert figures.goodput == pytest.approx(5.0)
    assert figures.calm_after == 2.0
    assert figures.capacity == pytest.approx(7.0)  # ten seconds, six of them half as good
    assert (figures.queue, figures.group) == (90, 6.0)
    assert figures.door_cpu == pytest.approx(0.5)
    assert figures.waits["p50"] == pytest.approx(0.14, abs=0.02)


def test_who_never_becomes_calm_has_no_time_for_it() -> None:
    """Nor is a last second without calm taken for the end of the trouble."""
    diary = _diary()
    assert calm_after(diary, Span("after", 7.0, 12.0)) == 2.0
    diary.at(11).at_once = 8
    assert calm_after(diary, Span("after", 7.0, 12.0)) is None


def test_a_capacity_is_a_mean_of_the_best_seconds_in_a_row() -> None:
    """One good second is none."""
    assert best_window([1, 9, 1, 5, 5, 1], 2) == 5.0
    assert best_window([4], 10) == 4.0
    assert best_window([], 10) == 0.0


def test_a_percentile_of_nothing_is_nothing() -> None:
    """And of one value that value."""
    assert percentile([], 0.99) == 0.0
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0


def test_a_slope_comes_with_its_noise() -> None:
    """What lies on a line has none."""
    slope, noise = slope_of([(float(n), 5.0 + 2.0 * n) for n in range(50)])
    assert slope == pytest.approx(2.0)
    assert noise == pytest.approx(0.0, abs=1e-9)
    slope, noise = slope_of([(float(n), 5.0 + (n % 2)) for n in range(50)])
    assert abs(slope) < noise


def test_people_arrive_by_the_clock_and_the_same_each_time() -> None:
    """As many as the phases say, in order, and patient as they say."""
    phases = [Phase("few", 2, 50), Phase("rise", 2, 50, 0.0, until=150.0)]
    arrivals = list(schedule(phases, 100.0, 1))
    assert arrivals == list(schedule(phases, 100.0, 1))
    times = [time for time, _ in arrivals]
    assert times == sorted(times)
    assert 60 < sum(time < 102 for time in times) < 140
    assert 140 < sum(time >= 102 for time in times) < 260
    assert all((tries == 1) == (time >= 102) for time, tries in arrivals)
    assert [span.end for span in spans(phases)] == [2, 4]


def test_two_generators_see_the_whole() -> None:
    """Seconds are added, and all waiting is kept."""
    one, other = _diary(), _diary()
    other.errors["500"] = 2
    one.add(other)
    assert one.seconds[0] == Second(offered=20, at_once=20, accepted=20)
    assert len(one.answered) == 180
    assert one.errors == {"500": 2}


def _book(folder: Path) -> Book:
    book = Book(folder, machine={"limits": dict.fromkeys(NAMES, 100.0)})
    for name in (ramp_name("door", 2, "sqlite"), ramp_name("bare", 0, "sqlite"), "storm"):
        figures = _figures(name)
        figures.lost = 0
        book.keep(figures)
    return book


def test_the_same_figures_give_the_same_files(tmp_path: Path) -> None:
    """No date, no chance: what changed in the repository is what was measured."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        write_report(_book(folder))
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["crowd-ramp.svg", "crowd-storm.svg", "crowd.json", "crowd.md"]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_plot_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    """Nor when it was drawn."""
    write_report(_book(tmp_path))
    plot = (tmp_path / "crowd-storm.svg").read_text(encoding="utf-8")
    assert "lost: 0 of 90" in plot
    for word in (str(tmp_path), "dc:date", "matplotlib.org"):
        assert word not in plot


def test_a_book_is_opened_at_what_earlier_runs_left(tmp_path: Path) -> None:
    """And a run that is made again takes its place; a file of an older bench is left alone."""
    book = _book(tmp_path)
    again = Book.load(tmp_path)
    assert again.runs == book.runs
    assert again.capacity("door", 2, "sqlite") == pytest.approx(7.0)
    assert again.capacity("door", 1, "sqlite") == 0.0
    (tmp_path / "crowd.json").write_text('{"load": 1}', encoding="utf-8")
    assert Book.load(tmp_path).runs == {}


@pytest.mark.parametrize(
    ("change", "sound"),
    [({}, True), ({"lost": 1}, False), ({"errors": {"500": 1}}, False), ({"untold": 1}, False)],
)
def test_a_run_is_sound_only_if_nothing_is_lost(change: dict[str, Any], sound: bool) -> None:
    """Nor anybody answered as she should not be."""
    figures = _figures()
    figures.lost = 0
    for name, value in change.items():
        setattr(figures, name, value)
    assert figures.is_sound == sound

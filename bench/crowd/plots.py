"""
The plots: one page a run, and one for the ramps.

They are the same bytes for the same figures: no date, no chance, no name of a machine. Lines differ
by colour and by dashes, in colours that colour-blind people tell apart (Okabe and Ito, 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.crowd.book import Book

BLACK, ORANGE, BLUE, GREEN, RED = "#000000", "#e69f00", "#0072b2", "#009e73", "#d55e00"
WIDTH, PANEL = 8.0, 1.5  # inches
STYLE: dict[Any, Any] = {  # matplotlib's type names each setting
    "svg.hashsalt": "dengwen",  # ids follow from it, not from chance
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "path.simplify": True,
}
TITLES = {
    "eighty": "Four fifths of the capacity",
    "service": "Beside a sequencer",
    "eighty-postgres": "Four fifths of the capacity, PostgreSQL",
    "storm": "Ten times the capacity for a minute, and back",
    "squall-5": "Five times the capacity for 20 s, and back",
    "everyone": "Three times the capacity, and everybody comes back",
    "puzzle": "Three times the capacity, and work is asked",
    "slow": "Four fifths of the capacity between people who trickle",
    "long": "At capacity",
}


@dataclass(frozen=True)
class Line:
    """One line of a panel: a column of the series, and how it looks; *by* divides it."""

    column: str
    label: str
    color: str
    dashes: str = "-"
    by: float = 1.0


ARRIVALS = (
    Line("offered", "arrive", BLACK, ":"),
    Line("refused", "told to come back", ORANGE, "--"),
)
ACCEPTED = (Line("accepted", "accepted", BLUE),)
WAITS = (
    Line("p99.9", "p99.9", RED, ":"),
    Line("p99", "p99", ORANGE, "--"),
    Line("p50", "p50", BLUE),
)
QUEUE = (Line("queue", "wait inside", BLUE),)
CPU = (Line("door_cpu", "door", BLUE), Line("generator_cpu", "generator", ORANGE, "--"))
DISK = (Line("written", "written", GREEN, by=1e6),)
MEMORY = (Line("memory", "door", BLUE, by=1e6),)
WAITED = "waited, s"
DECADES, TINY = 300.0, 1e-6  # a wider panel has room for powers of ten only
SAMPLED = frozenset({"door_cpu", "written", "memory"})


def draw(book: Book) -> list[tuple[str, str]]:
    """Draw all that the book holds; return the title and the file of each."""
    drawn = []
    with mpl.rc_context(STYLE):
        ramps = [name for name in book.runs if name.startswith("ramp-")]
        if ramps:
            _save(_ramps([book.runs[name] for name in ramps]), book, "crowd-ramp.svg")
            drawn.append(("The ramps", "crowd-ramp.svg"))
        for name, title in TITLES.items():
            if name in book.runs:
                _save(_run(title, book.runs[name]), book, f"crowd-{name}.svg")
                drawn.append((title, f"crowd-{name}.svg"))
    return drawn


def _run(title: str, run: dict[str, Any]) -> Figure:
    panels: list[tuple[str, Sequence[Line]]] = [
        ("people / s", ARRIVALS),
        ("petitions / s", ACCEPTED),
        (WAITED, WAITS),
        ("queue", QUEUE),
        ("CPU, cores", CPU),
        ("disk, MB/s", DISK),
        ("memory, MB", MEMORY),
    ]
    figure = Figure(figsize=(WIDTH, PANEL * len(panels)), layout="constrained")
    lost = f"lost: {run['lost']} of {run['accepted']:,}"
    figure.suptitle(f"{title}\n{run['how']}; {lost}", fontsize=10)
    axes = figure.subplots(len(panels), 1, sharex=True)
    for axis, (label, lines) in zip(axes, panels, strict=True):
        for line in lines:
            _plot(axis, run["series"], line)
        axis.set_ylabel(label)
        if label == WAITED:
            axis.set_yscale("log")
            least, most = axis.get_ylim()
            is_wide = most > DECADES * max(least, TINY)
            _log(axis.set_yscale, axis.yaxis, (1.0,) if is_wide else (1.0, 2.0, 5.0))
        else:
            axis.set_ylim(bottom=0)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        _shade(axis, run["steps"])
    axes[-1].set_xlabel("seconds")
    return figure


def _plot(axis: Axes, series: dict[str, list[float]], line: Line) -> None:
    values = [value / line.by for value in series[line.column]]
    if line.column in SAMPLED:
        times = series["sampled_at"]
    else:
        times = [number + 0.5 for number in range(len(values))]
    if line in WAITS:
        values = [value or float("nan") for value in values]
    axis.plot(times, values, color=line.color, linestyle=line.dashes, label=line.label)


def _shade(axis: Axes, steps: Sequence[dict[str, Any]]) -> None:
    """Show where the storm is."""
    begin = 0.0
    for step in steps:
        if step["name"] == "storm":
            axis.axvspan(begin, begin + step["seconds"], color="#eeeeee", zorder=0)
        begin += step["seconds"]


def _log(
    set_scale: Callable[[str], object], axis: Axis, steps: Sequence[float] = (1.0, 2.0, 5.0)
) -> None:
    """Make an axis logarithmic, with plain numbers at these multiples of each power of ten."""
    set_scale("log")
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _ramps(runs: Sequence[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(WIDTH, 2 * 2.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    looks = [(BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (RED, ":", "D")]
    looks += [(BLACK, "-", "v"), (BLACK, "--", "x")]
    least, most = float("inf"), 0.0
    for run, (color, dashes, marker) in zip(runs, looks, strict=False):
        steps = [step for step in run["steps"] if step["name"] != "back"]
        offered = [step["rate"] for step in steps]
        least, most = min(least, *offered), max(most, *offered)
        look = {"color": color, "linestyle": dashes, "marker": marker, "markersize": 4}
        label = _door(run["name"])
        above.plot(offered, [step["accepted"] for step in steps], label=label, **look)
        below.plot(offered, [step["p99"] or float("nan") for step in steps], label=label, **look)
    ends = [least, most]
    above.plot(ends, ends, color="#999999", linewidth=0.8, label="all who arrive")
    above.set_ylabel("petitions / s")
    _log(above.set_yscale, above.yaxis)
    below.set_ylabel("p99 of those let in at once, s")
    _log(below.set_yscale, below.yaxis)
    below.set_xlabel("people who arrive / s")
    _log(below.set_xscale, below.xaxis)
    above.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle("More and more people arrive", fontsize=10)
    return figure


def _door(name: str) -> str:
    """Tell in few words which door a ramp is of."""
    _, mode, workers, *database = name.split("-")
    if mode == "bare":
        return "only answers"
    return f"{workers} worker{'s' if workers != '1' else ''}{', PostgreSQL' if database else ''}"


def _save(figure: Figure, book: Book, name: str) -> None:
    canvas = FigureCanvasSVG(figure)
    with (book.folder / name).open("w", encoding="utf-8", newline="\n") as file:
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]  # it has no types

"""The results as a page: tables, ratios, and the plots beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.crowd import limits
from bench.crowd.book import Book, ramp_name
from bench.crowd.office import SQLITE
from bench.crowd.plots import draw
from bench.crowd.pool import SEALED

Row = Sequence[str]
Runs = Mapping[str, dict[str, Any]]

TITLES = {
    "eighty": "at four fifths of the capacity",
    "service": "beside a sequencer",
    "eighty-postgres": "the same on PostgreSQL",
    "slow": "the same between people who trickle",
    "storm": "ten times the capacity for a minute, and back",
    "squall-2": "twice the capacity, and back",
    "squall-3": "three times the capacity, and back",
    "squall-5": "five times the capacity, and back",
    "everyone": "three times the capacity, and all come back",
    "puzzle": "three times the capacity, and work is asked",
    "long": "at capacity for long",
}
GOALS = """\
Asked were: 1,000 accepted a second and if possible 3,300; p99 below 1 s at four fifths of the \
capacity; 0.7 of the bare door; flat memory; 5,000 reads a second with intake saturated; in the \
storm 0.9 of the capacity, and calm again within 5 s.
"""


def write_report(book: Book) -> None:
    """Write ``crowd.md`` and the plots into the book's folder."""
    book.folder.mkdir(parents=True, exist_ok=True)
    plots = draw(book)
    text = "\n".join(_lines(book, plots)) + "\n"
    (book.folder / "crowd.md").write_text(text, encoding="utf-8")


def _lines(book: Book, plots: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "# What a crowd gets at the door"
    yield ""
    yield "*For whoever runs an office; written by `make bench-crowd`, not by hand.*"
    yield ""
    yield from _words(book)
    yield from _section("The machine, measured in the same run", _machine(book))
    yield from _section("Capacity", _capacities(book))
    yield from _section("Ratios", _ratios(book))
    yield from _section("Crowds", _crowds(book.runs))
    yield from _section("Public files", _reads(book))
    yield from _section("What each run cost", _costs(book.runs))
    for name, run in book.runs.items():
        if name.startswith("ramp-"):
            yield from _section(f"Step by step: {_ramp_title(name)}", _steps(run))
    if plots:
        yield "## Plots"
        yield ""
    for title, file in plots:
        yield f"![{title}]({file})"
        yield ""


def _words(book: Book) -> Iterator[str]:
    cores = book.machine.get("cores", "?")
    yield f"The door and the crowd share one machine with {cores} cores."
    yield "People arrive by the clock, whatever the door does; waiting counts from arrival."
    yield "Each petition is about 37 kB, and no two are alike."
    yield f"{SEALED:,} were sealed by the petitioner's client; beyond these, others have the sealed"
    yield "parts of one of them under a case key of their own, which is the same work for the door."
    yield "Lost is counted in the database: the signature of each acceptance is checked, and its"
    yield "petition and its event have to be there."
    yield "Unheard is who found no connection for ten seconds, and would not have come back either."
    yield "No sequencer ran beside the door, and the puzzle was off where nothing else is said."
    yield ""
    yield GOALS


def _machine(book: Book) -> Iterator[Row]:
    found = book.machine.get("limits")
    if found:
        yield ("", "")
        yield from ((name, _number(value)) for name, value in found.items())


def _capacities(book: Book) -> Iterator[Row]:
    head = ("", "accepted/s, best 10 s", "CPU of the door for each", "CPU of door, generator")
    rows = [
        (
            _ramp_title(name),
            _number(run["capacity"]),
            f"{1e3 * run['door_cpu_each']:.2f} ms",
            f"{run['door_cpu']:.2f}, {run['generator_cpu']:.2f} cores",
        )
        for name, run in book.runs.items()
        if name.startswith("ramp-")
    ]
    yield from [head, *rows] if rows else []


def _ramp_title(name: str) -> str:
    _, mode, workers, *database = name.split("-")
    if mode == "bare":
        return "the same door without checks and storage"
    return f"the whole door, {_workers(workers)}{', PostgreSQL' if database else ''}"


def _workers(count: int | str) -> str:
    return f"{count} worker" if int(count) == 1 else f"{count} workers"


def _ratios(book: Book) -> Iterator[Row]:
    found = list(ratios(book))
    if found:
        yield ("", "")
        yield from found


def ratios(book: Book) -> Iterator[Row]:
    """Give what is compared: figures of one machine and one run by one another."""
    cores = int(book.machine.get("cores", 1))
    machine = book.machine.get("limits", {})
    bare = book.capacity("bare", 0, SQLITE)
    for count in sorted({1, cores}):
        full = book.capacity("door", count, SQLITE)
        if full and bare:
            yield (f"durable / bare, {_workers(count)}", f"{full / bare:.2f}")
    full = book.capacity("door", cores, SQLITE)
    run = book.runs.get(ramp_name("door", cores, SQLITE))
    if full and run and machine:
        written = full * run["written_each"] / 1e6
        yield ("accepted / syncs of the disk", f"{full / machine[limits.SYNCS]:.2f}")
        yield ("written / sequential write", f"{written / machine[limits.WRITES]:.2f}")
        least = 1 / machine[limits.HASHES] + 1 / machine[limits.SIGNATURES]
        yield (
            "accepted / what all cores could hash and verify",
            f"{full * least / cores:.2f}",
        )
    for name in ("storm", "squall-5", "squall-3", "squall-2"):
        if name in book.runs:
            yield from _storm_ratios(TITLES[name], book.runs[name], full)


def _storm_ratios(title: str, storm: dict[str, Any], capacity: float) -> Iterator[Row]:
    steps = {step["name"]: step for step in storm["steps"]}
    if capacity and "storm" in steps:
        goodput, offered = storm["goodput"], steps["storm"]["offered"]
        yield (f"{title}: offered / capacity", f"{offered / capacity:.1f}")
        yield (f"{title}: accepted / capacity", f"{goodput / capacity:.2f}")
        yield (f"{title}: CPU that the crowd itself took", _cores(steps["storm"]))
        yield (f"{title}: CPU that it took before", _cores(steps["before"]))
    calm = storm["calm_after"]
    told = "not in this run" if calm is None else f"{calm:.0f}"
    yield (f"{title}: seconds until calm after it", told)


def _cores(step: dict[str, Any]) -> str:
    return f"{step['generator_cpu']:.2f} cores"


def _crowds(runs: Runs) -> Iterator[Row]:
    head = (
        "",
        "who",
        "accepted of offered",
        "sent away",
        "went home",
        "unheard",
        "on their way",
        "lost",
    )
    times = ("p50", "p99", "p99.9", "p99 of all, who came back too", "queue at most")
    rows = [
        (
            title,
            runs[name]["how"],
            f"{runs[name]['accepted']:,} of {runs[name]['offered']:,}",
            f"{runs[name]['sent_away']:,}",
            f"{runs[name]['gone']:,}",
            f"{runs[name].get('unheard', 0):,}",
            f"{runs[name]['waiting']:,}",
            f"{runs[name]['lost']}",
            *(f"{runs[name]['waits'][share]:.3f} s" for share in times[:3]),
            f"{runs[name]['waits_of_all']['p99']:.1f} s",
            f"{runs[name]['queue']:,}",
        )
        for name, title in TITLES.items()
        if name in runs
    ]
    yield from [head + times, *rows] if rows else []


def _reads(book: Book) -> Iterator[Row]:
    head = ("", "reads/s", "p50", "p99", "files", "petitions accepted/s meanwhile")
    rows = [
        (
            name,
            _number(read["a second"]),
            f"{1e3 * read['p50']:.1f} ms",
            f"{1e3 * read['p99']:.1f} ms",
            f"{read['paths']}",
            _number(read.get("petitions accepted a second", 0.0)),
        )
        for name, read in book.reads.items()
    ]
    yield from [head, *rows] if rows else []


def _costs(runs: Runs) -> Iterator[Row]:
    head = ("", "door, cores", "generator, cores", "late", "latest", "memory", "grows a minute")
    more = ("stored for each", "written for each", "to a commit", "kept back", "broken")
    rows = [
        (
            name,
            f"{run['door_cpu']:.2f}",
            f"{run['generator_cpu']:.2f}",
            f"{run['generator_late']:.1%}",
            f"{run['generator_latest']:.2f} s",
            f"{run['memory'] / 1e6:.0f} MB",
            _growth(run),
            f"{run['stored_each'] / 1e3:.1f} kB",
            f"{run['written_each'] / 1e3:.1f} kB",
            f"{run['group']:.0f}",
            f"{run['kept_back']:,}",
            f"{run['broken']:,}",
        )
        for name, run in runs.items()
    ]
    yield from [head + more, *rows] if rows else []


def _growth(run: dict[str, Any]) -> str:
    if run["memory_mb_a_minute"] is None:
        return ""
    return f"{run['memory_mb_a_minute']:+.2f} ± {run['memory_noise_mb_a_minute']:.2f} MB"


def _steps(run: dict[str, Any]) -> Iterator[Row]:
    yield ("offered/s", "accepted/s", "sent away/s", "p50", "p99", "door, generator, cores")
    for step in run["steps"]:
        yield (
            _number(step["offered"]),
            _number(step["accepted"]),
            _number(step["refused"]),
            f"{step['p50']:.3f} s",
            f"{step['p99']:.3f} s",
            f"{step['door_cpu']:.2f}, {step['generator_cpu']:.2f}",
        )


def _section(title: str, rows: Iterator[Row]) -> Iterator[str]:
    table = list(rows)
    if not table:
        return
    yield f"## {title}"
    yield ""
    yield _line(table[0])
    yield _line(["---", *["--:"] * (len(table[0]) - 1)])
    yield from map(_line, table[1:])
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2f}"

"""
`make bench-crowd`: what the door stands, beside what this machine stands, in one run.

    python -m bench.crowd                      all runs, in the order of their weight
    python -m bench.crowd --runs ramp,storm    some of them; the results of the others stay
    python -m bench.crowd --report             the table and the plots anew, nothing measured

The generator and the door share the machine. What the machine itself can do is measured in the same
run; other work on it moves every figure: the ratios are what to compare. Results are written after
each run, to ``bench/results/``.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

from bench.crowd.book import RESULTS, Book
from bench.crowd.figures import Figures
from bench.crowd.fill import shrink
from bench.crowd.office import POSTGRES, SQLITE
from bench.crowd.pool import POOL, SEALED
from bench.crowd.report import write_report
from bench.crowd.runs import RUNS, WORKERS, Options, Session


def main() -> int:
    """Measure, tell, keep; 1 if anything signed for is lost, an error came, or a run failed."""
    chosen = _parser().parse_args()
    book = Book.load(Path(chosen.results))
    failed = (
        []
        if chosen.report
        else [name for name in chosen.runs if not _carry_out(name, chosen, book)]
    )
    if not chosen.report:
        shrink(POOL)
    write_report(book)
    print((book.folder / "crowd.md").read_text(encoding="utf-8"))
    print(f"failed: {', '.join(failed) or 'none'}")
    return 0 if not failed and all(_is_sound(run) for run in book.runs.values()) else 1


def _carry_out(name: str, chosen: argparse.Namespace, book: Book) -> bool:
    """Carry out one run and write what it found; tell whether it went to its end."""
    options = Options(
        chosen.workers,
        chosen.database,
        chosen.minutes,
        chosen.capacity,
        chosen.scale,
        sealed=chosen.petitions,
    )
    began = time.monotonic()
    try:
        RUNS[name](Session(options, book, _tell))
    except (Exception, SystemExit):  # noqa: BLE001  # the other runs are worth having all the same
        traceback.print_exc()
        return False
    finally:
        write_report(book)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.crowd", description="Let a crowd come to the door."
    )
    parser.add_argument("--runs", type=_names, default=[*RUNS], help=f"of {','.join(RUNS)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long `long` is")
    parser.add_argument("--database", choices=(SQLITE, POSTGRES), default=SQLITE)
    parser.add_argument("--workers", type=int, default=WORKERS, help="of the door")
    parser.add_argument("--capacity", type=float, default=0.0, help="instead of the ramp's")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: all but `long` so short")
    parser.add_argument("--petitions", type=int, default=SEALED, help="how many are sealed")
    parser.add_argument("--results", default=str(RESULTS), help="the folder that is written")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - RUNS.keys():
        raise argparse.ArgumentTypeError(f"no such run: {', '.join(sorted(unknown))}")
    return names


def _tell(figures: Figures) -> None:
    print(f"\n{figures.name}: {figures.how}")
    for name, value in figures.to_json().items():
        if name not in {"name", "how", "series", "steps"} and value is not None:
            shown = f"{value:>14,.4g}" if isinstance(value, float) else f"{value!s:>14}"
            print(f"  {shown}  {name}", flush=True)


def _is_sound(run: dict[str, object]) -> bool:
    return not (run["lost"] or run["errors"] or run["untold"])


if __name__ == "__main__":
    sys.exit(main())

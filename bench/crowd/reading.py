"""How many public files a second the door gives, while so many petitions arrive."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.crowd.office import BUILD, HOST, ROOT, Doorway, OpenOffice, open_office
from bench.crowd.phases import Phase
from bench.crowd.visitors import Outing, let_come
from dengwen_submit.public_files import is_public

SETTLE = 2  # seconds from the first petition to the first read
MOST_PATHS = 200


def read_meanwhile(
    doorway: Doorway, pool: Path, rate: float, seconds: float, drain: float = 0.0
) -> dict[str, Any]:
    """Return what `bench.crowd.reader` tells, and how many petitions were accepted meanwhile."""
    with tempfile.TemporaryDirectory(dir=BUILD) as name, open_office(doorway) as office:
        paths = static_paths(office)
        if not rate:
            return _result(_reader(office, seconds, paths))
        phases = [Phase("meanwhile", seconds + 2 * SETTLE, rate)]
        readers: list[subprocess.Popen[str]] = []

        def start(passed: float) -> None:
            if passed >= SETTLE and not readers:
                readers.append(_reader(office, seconds, paths))

        outing = Outing((HOST, office.port), pool, phases, Path(name) / "answers", drain=drain)
        diary = let_come(outing, start)
        return _result(readers[0]) | {
            "petitions offered a second": rate,
            "petitions accepted": diary.total("accepted"),
            "petitions accepted a second": diary.rate(SETTLE, SETTLE + seconds),
        }


def static_paths(office: OpenOffice) -> list[str]:
    """Return all that anybody may fetch: the page, card, rosters, checkpoint, proof and tiles."""
    folder = office.office.vault.public_folder
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return ["/", *(f"/{name}" for name in names if is_public(name))][:MOST_PATHS]


def _reader(office: OpenOffice, seconds: float, paths: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.crowd.reader", str(office.port), str(seconds), *paths]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _result(reader: subprocess.Popen[str]) -> dict[str, Any]:
    words, _ = reader.communicate()
    if reader.returncode != 0:
        raise SystemExit("the reader did not end well")
    result: dict[str, Any] = json.loads(words)
    return result

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
from bench.crowd.reader import READY
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
        reader = _reader(office, seconds, paths)

        def start(passed: float) -> None:
            if passed >= SETTLE and reader.stdin:
                reader.stdin.close()
                reader.stdin = None

        outing = Outing((HOST, office.port), pool, phases, Path(name) / "answers", drain=drain)
        diary = let_come(outing, start)
        return _result(reader) | {
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
    """Start a reader that begins when its input is closed."""
    command = [sys.executable, "-m", "bench.crowd.reader", str(office.port), str(seconds), *paths]
    pipe = subprocess.PIPE
    reader = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    if not reader.stdout or reader.stdout.readline().strip() != READY:
        raise SystemExit("the reader did not begin well")
    return reader


def _result(reader: subprocess.Popen[str]) -> dict[str, Any]:
    words, _ = reader.communicate()
    if reader.returncode != 0:
        raise SystemExit("the reader did not end well")
    result: dict[str, Any] = json.loads(words)
    return result

"""One run: an office of its own, its door in a process of its own, a crowd, and the count after."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select

from bench.crowd.generator import Crowd, Phase, by_second, percentile
from bench.crowd.limits import BUILD
from bench.crowd.pool import Pool
from dengwen_vault.models import Petition
from tests.vault.office import VaultOffice

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
WARM_SECONDS = 2  # of a run that are not counted as capacity
CALM_SHARE = 0.9  # of what arrives again is accepted at once: it is calm again
READ_SECONDS = 3.0
_CASE = re.compile(rb"\ncase ([0-9a-f]{64})\n")


@dataclass(frozen=True)
class Run:
    """What to measure: a name, a mode of `bench.crowd.serve`, and who arrives."""

    name: str
    mode: str
    phases: Sequence[Phase]
    processes: int = 1


@dataclass
class Figures:
    """What was measured; rates are a second, times in seconds, sizes in bytes."""

    name: str
    offered: int = 0
    accepted: int = 0
    capacity: float = 0.0  # accepted a second while more was offered than taken
    goodput: float = 0.0  # the same, in the phase called storm
    p50: float = 0.0  # from the time of arrival, of those accepted without being sent away
    p99: float = 0.0
    p999: float = 0.0
    sent_away: int = 0  # answers that say when to come back
    gone: int = 0
    broken: int = 0
    errors: int = 0
    lost: int = 0
    recovery: float = 0.0
    cpu_us: float = 0.0  # of the door, for each accepted
    memory: int = 0
    disk_bytes: float = 0.0  # for each accepted
    generator_late: float = 0.0
    seconds: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Return all but the name, the rates second by second last."""
        return {name: value for name, value in asdict(self).items() if name != "name"}


def measure(run: Run, pool: Pool) -> Figures:
    """Make an office, open its door, let the crowd come, and count what is on disk."""
    with _office() as (office, folder), _door(folder, run.mode, run.processes) as (process, port):
        crowd = Crowd((HOST, port), pool)
        before = _cpu(process.pid)
        crowd.run(run.phases)
        cpu, memory = _cpu(process.pid) - before, _peak_memory(process.pid)
        here = _cases(office) if run.mode == "door" else None
        size = sum(path.stat().st_size for path in folder.glob("vault.sqlite3*"))
    figures = _figures(run, crowd)
    accepted = max(1, figures.accepted)
    figures.cpu_us, figures.memory, figures.disk_bytes = (
        cpu * 1e6 / accepted,
        memory,
        size / accepted,
    )
    if here is not None:
        figures.lost = sum(_case_of(answer) not in here for answer in crowd.accepted.values())
    return figures


def reads(pool: Pool, intake: float) -> float:
    """Return how many public files a second the door gives, while so many petitions arrive."""
    with _office() as (_, folder), _door(folder, "door") as (_, port):
        crowd = Crowd((HOST, port), pool)
        phases = [Phase("meanwhile", READ_SECONDS + 1, intake)]
        sender = threading.Thread(target=crowd.run, args=(phases,))
        if intake:
            sender.start()
            time.sleep(1.0)
        command = [sys.executable, "-m", "bench.crowd.reader", str(port), str(READ_SECONDS)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        if intake:
            sender.join()
    return float(done.stdout)


@contextlib.contextmanager
def _office() -> Iterator[tuple[VaultOffice, Path]]:
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name) / "office"
        office = VaultOffice(Path(name), f"sqlite:///{folder / 'vault.sqlite3'}")
        office.tick()
        yield office, folder
        office.close()


@contextlib.contextmanager
def _door(
    folder: Path, mode: str, processes: int = 1
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    (folder / "door.toml").write_text('puzzle = "off"\n', encoding="utf-8")
    command = [sys.executable, "-m", "bench.crowd.serve", str(folder), str(processes), mode]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise AssertionError("internal error: no pipe")
        port = int(process.stdout.readline())
        try:
            yield process, port
        finally:
            process.terminate()
        if process.wait() != 0:
            raise SystemExit("the door did not end well")


def _figures(run: Run, crowd: Crowd) -> Figures:
    tallies = crowd.tallies.values()
    times = [time_ for tally in tallies for time_ in tally.first_try]
    figures = Figures(
        run.name,
        offered=sum(tally.offered for tally in tallies),
        accepted=len(crowd.answers),
        p50=percentile(times, 0.5),
        p99=percentile(times, 0.99),
        p999=percentile(times, 0.999),
        sent_away=sum(tally.refused for tally in tallies),
        gone=sum(tally.gone for tally in tallies),
        broken=sum(tally.broken for tally in tallies),
        errors=sum(sum(tally.errors.values()) for tally in tallies),
        generator_late=crowd.late,
        seconds=by_second(crowd.answers),
    )
    begin = 0.0
    for phase in run.phases:
        end = begin + phase.seconds
        if phase.name in {"all", "storm"}:
            rate = _rate(crowd.answers, begin + min(WARM_SECONDS, phase.seconds / 2), end)
            figures.capacity = rate
            figures.goodput = rate
        if phase.name == "after":
            figures.recovery = _recovery(crowd.arrivals, begin)
        begin = end
    return figures


def _rate(answers: Sequence[float], begin: float, end: float) -> float:
    return sum(begin <= answer < end for answer in answers) / (end - begin)


def _recovery(arrivals: Sequence[tuple[float, bool]], begin: float) -> float:
    """Return after how many seconds newcomers were let in again without being sent away."""
    bins: dict[int, list[bool]] = {}
    for arrived, at_once in arrivals:
        if arrived >= begin:
            bins.setdefault(int(arrived - begin), []).append(at_once)
    calm = [second for second, told in sorted(bins.items()) if sum(told) < CALM_SHARE * len(told)]
    return float(calm[-1] + 1) if calm else 0.0


def _cases(office: VaultOffice) -> set[bytes]:
    with office.vault.store.reading() as connection:
        return set(connection.scalars(select(Petition.case_id)))


def _case_of(answer: bytes) -> bytes:
    match = _CASE.search(answer)
    return bytes.fromhex(match[1].decode()) if match else b""


def _cpu(pid: int) -> float:
    """Return the seconds that a process and those it started have used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(_cpu, _children(pid)))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    own = int(status.partition("VmHWM:")[2].split()[0]) << 10
    return own + sum(map(_peak_memory, _children(pid)))

"""A whole office from the shipped files: PostgreSQL, its services as their units say, and nginx."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dengwen_vault.settings import Settings
from tests import town_people as people
from tests.deploy.authority import DESK, DOOR
from tests.deploy.confined import Confinement, to_words
from tests.deploy.database import Cluster, open_cluster
from tests.deploy.front import HOST, Behind, Front, open_front
from tests.deploy.names import Names
from tests.deploy.units import allowed_calls, command, credentials, last, service
from tests.faults.launch import die_with_parent
from tests.faults.office import HOLDERS, TICK, Office, Ports, make_office
from tests.patience import PATIENCE, wait_until
from tests.ports import free_ports

CLIENT = "127.0.0.77"  # where everybody comes from, so that no log may have it
PRESENT = HOLDERS[1:]  # one gatekeeper is away: the quorums are there without it
BIN = Path(sys.executable).parent


class Addresses(Ports):
    """As in `tests.faults.office`, but door and desk have the names of the shipped files."""

    def url(self, name: str) -> str:
        """Return the address of the door, the desk or a holder."""
        names = {"door": f"https://{DOOR}", "desk": f"https://{DESK}"}
        return names.get(name) or super().url(name)


@dataclass
class Stand:
    """
    The office, and whoever runs it.

    Attributes:
        office: Its files and addresses.
        environment: By which its people find it and trust it.
    """

    office: Office
    cluster: Cluster
    environment: Mapping[str, str]
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Holds what each service says, and what it was lent."""
        return self.office.folder

    def start(self, *names: str) -> None:
        """Start services, and wait until they listen."""
        for name in names:
            self._running[name] = self._start(name)
        for name in names:
            self._wait(name)

    def stop(self, name: str) -> int:
        """End a service as systemd does; return its exit code."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    def close(self) -> None:
        """End all services."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            process.wait(PATIENCE)

    def said(self, name: str) -> str:
        """Return everything that a service has said."""
        return (self.folder / f"{name}.said").read_text("utf-8", "replace")

    def run(self, *words: str, folder: Path | None = None, codes: tuple[int, ...] = (0,)) -> str:
        """Run one of the project's commands as its people do; return what it printed."""
        done = subprocess.run(
            [BIN / words[0], *words[1:]],
            cwd=folder or self.folder,
            env=os.environ | self.environment | {"LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        assert done.returncode in codes, done.stdout
        return done.stdout

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        settings = service(_kind(name))
        writable = [self._fit(path, name) for path in _paths(settings, "ReadWritePaths")]
        writable += [self._fit(f"%S/{path}", name) for path in _paths(settings, "StateDirectory")]
        for path in writable:
            Path(path).mkdir(exist_ok=True)
        self._lend(name, credentials(settings))
        words = [self._fit(word, name) for word in command(settings)]
        if "--port" in words:
            words[words.index("--port") + 1] = self._port(name)
        if _kind(name) == "mirror":
            words += ["--poll", str(TICK)]
        confinement = Confinement(
            calls=sorted(allowed_calls(settings)),
            families=last(settings, "RestrictAddressFamilies").split(),
            writable=writable,
            umask=int(last(settings, "UMask"), 8),
            files=int(last(settings, "LimitNOFILE")),
            hidden=_paths(settings, "InaccessiblePaths"),
        )
        environment = {"JOURNAL_STREAM": "1:1", "CREDENTIALS_DIRECTORY": str(self._lent(name))}
        with (self.folder / f"{name}.said").open("ab") as output:
            return subprocess.Popen(
                to_words(confinement, words),
                cwd="/",
                env=os.environ | self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509  # one system call
            )

    def _fit(self, word: str, name: str) -> str:
        """Put the paths of this test into a word of a unit."""
        holder = name if name in HOLDERS else ""
        changes = {
            "/opt/dengwen/current/.venv/bin": str(BIN),
            "/srv/dengwen": str(self.office.vault),
            "/etc/dengwen": str(self.folder),
            "%d": str(self._lent(name)),
            f"%S/dengwen-{_kind(name)}": str(self.office.data(holder)),
        }
        for old, new in changes.items():
            word = word.replace(old, new)
        return word

    def _lend(self, name: str, wanted: Mapping[str, str]) -> None:
        """Put copies of the keys where the service may read them, as systemd does."""
        folder = self._lent(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = {f"{_kind(name)}.key": f"{name}.key"} if name in HOLDERS else {}
        for credential, path in wanted.items():
            source = Path(self._fit(path, name))
            target = folder / credential
            target.write_bytes(source.with_name(own.get(source.name, source.name)).read_bytes())
            target.chmod(0o400)

    def _lent(self, name: str) -> Path:
        return self.folder / f"lent-{name}"

    def _port(self, name: str) -> str:
        ports = {"door": self.office.ports.door, "desk": self.office.ports.hall}
        return str((ports | self.office.ports.holders).get(name, 0))

    def _wait(self, name: str) -> None:
        port = int(self._port(name))

        def is_up() -> bool:
            assert self._running[name].poll() is None, self.said(name)
            return not port or _listens(port)

        wait_until(is_up, lambda: self.said(name))


@contextlib.contextmanager
def open_stand() -> Iterator[tuple[Stand, Front]]:
    """Run a whole office, until the end; its log has begun."""
    folder = Path(tempfile.mkdtemp(prefix="dengwen-office-"))
    try:
        with open_cluster() as cluster, _open_stand(folder, cluster) as opened:
            yield opened
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _open_stand(folder: Path, cluster: Cluster) -> Iterator[tuple[Stand, Front]]:
    door, desk, *ports = free_ports(2 + len(HOLDERS))
    addresses = Addresses(door, desk, desk, dict(zip(HOLDERS, ports, strict=True)))
    office = make_office(folder, addresses, cluster.url)
    _hide_keys(office)
    behind = Behind(door, desk, office.vault / "public", TICK)
    with (
        open_front(behind) as front,
        Names({DOOR: front.tls, DESK: front.tls}, CLIENT) as names,
        contextlib.closing(Stand(office, cluster, _environment(front, names))) as stand,
    ):
        stand.start(*PRESENT, "desk", "door", "sequencer")
        _wait_for(office.vault / "public" / "latest.tlog-proof", stand)
        yield stand, front


def _hide_keys(office: Office) -> None:
    """Do as the runbook: keys lie elsewhere, and the data folder has links to what is lent."""
    settings = Settings.load(office.vault)
    for key, name in ((settings.log_key_file, "sequencer"), (settings.intake_key_file, "door")):
        key.rename(office.folder / key.name)
        key.symlink_to(office.folder / f"lent-{name}" / key.name)


def _environment(front: Front, names: Names) -> dict[str, str]:
    return {
        "HTTPS_PROXY": names.url,
        "NO_PROXY": HOST,
        "REQUESTS_CA_BUNDLE": str(front.certificates.authority),
    }


def _kind(name: str) -> str:
    if name in people.GATEKEEPERS:
        return "gatekeeper"
    return "mirror" if name == people.MIRROR else name


def _paths(settings: Mapping[str, list[str]], name: str) -> list[str]:
    return re.findall(r"\S+", " ".join(settings.get(f"Service.{name}", [])))


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


def _wait_for(path: Path, stand: Stand) -> None:
    wait_until(path.exists, lambda: stand.said("sequencer"))

"""nginx as it is shipped, with other ports and paths, before a door and a desk of a test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.deploy.authority import DESK, DOOR, Certificates, make_certificates
from tests.deploy.names import Names
from tests.deploy.shipped import DEPLOY, find_program, substitute
from tests.patience import PATIENCE, wait_until
from tests.ports import free_ports

HOST = "127.0.0.1"
SHIPPED = DEPLOY / "nginx"


@dataclass(frozen=True)
class Behind:
    """What stands behind nginx: the ports of door and desk, and what everybody may have."""

    door: int
    desk: int
    public: Path
    tick: int


@dataclass
class Front:
    """
    A running nginx.

    Attributes:
        folder: Its configuration, and what it says.
        environment: What it is started with, for another OpenSSL.
    """

    folder: Path
    run: Path
    behind: Behind
    certificates: Certificates
    tls: int
    plain: int
    environment: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Everything that it says."""
        return self.folder / "said"

    def write(self) -> None:
        """Write the configuration: what is shipped, with the ports and paths of this test."""
        for path in SHIPPED.glob("*.conf"):
            text = path.read_text(encoding="utf-8")
            (self.folder / path.name).write_text(self._fit(path.name, text), encoding="utf-8")
        environment = os.environ | self.environment | {"NGINX": str(_program())}
        choose = [str(SHIPPED / "choose-tls-groups"), str(self.folder)]
        subprocess.run(choose, check=True, capture_output=True, env=environment)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = ["-e", "stderr", "-g", "daemon off;", "-c", str(self.folder / "nginx.conf")]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(_program()), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | self.environment,
                cwd=self.run,
            )
        process = self.process

        def is_up() -> bool:
            assert process.poll() is None, self.log.read_text("utf-8")
            return self._listens()

        wait_until(is_up, lambda: self.log.read_text("utf-8"))

    def stop(self) -> None:
        """End it, letting nobody finish."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def connect(self, name: str = DOOR) -> ssl.SSLSocket:
        """Open a connection of TLS."""
        context = ssl.create_default_context(cafile=self.certificates.authority)
        plain = socket.create_connection((HOST, self.tls), timeout=PATIENCE)
        return context.wrap_socket(plain, server_hostname=name)

    @contextlib.contextmanager
    def session(self) -> Iterator[requests.Session]:
        """Give a session that finds the office by its names and trusts its authority."""
        with Names({DOOR: self.tls, DESK: self.tls}) as names, requests.Session() as session:
            session.trust_env = False
            session.proxies = {"https": names.url}
            session.verify = str(self.certificates.authority)
            yield session

    def status(self) -> str:
        """Return the numbers that an operator may look at."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.run / "status.sock"))
            client.sendall(b"GET /status HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: client.recv(4096), b"")).decode()

    def _fit(self, name: str, text: str) -> str:
        changes = {
            "nginx.conf": {
                "user www-data;": f"user {pwd.getpwuid(os.geteuid()).pw_name};",
                "pid /run/nginx.pid;": f"pid {self.run}/pid;",
                "/run/nginx-dengwen": str(self.run),
                "/etc/nginx/dengwen": str(self.folder),
                "/var/lib/dengwen-acme": str(self.folder / "acme"),
                "listen 443 ": f"listen {HOST}:{self.tls} ",
                "listen 80 ": f"listen {HOST}:{self.plain} ",
                "listen [::]:": "# listen [::]:",
            },
            "upstreams.conf": {
                f"{HOST}:8080": f"{HOST}:{self.behind.door}",
                f"{HOST}:8081": f"{HOST}:{self.behind.desk}",
            },
            "door.conf": {
                "/srv/dengwen/public": str(self.behind.public),
                "/etc/nginx/dengwen": str(self.folder),
                "max-age=60": f"max-age={self.behind.tick}",
            },
            "problems.conf": {"/etc/nginx/dengwen": str(self.folder)},
        }
        text = substitute(text, changes.get(name, {}))
        return substitute(text, {old: new for old, new in self.changes.items() if old in text})

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.tls), 1):
            return True
        return False


@contextlib.contextmanager
def open_front(
    behind: Behind,
    *,
    environment: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Iterator[Front]:
    """Run nginx before *behind*; *changes* are what a mangled twin has in other words."""
    folder = Path(tempfile.mkdtemp(prefix="dengwen-nginx-"))  # short: it holds sockets
    try:
        run = folder / "run"
        run.mkdir()
        (folder / "acme").mkdir()
        tls, plain = free_ports(2)
        certificates = make_certificates(folder)
        front = Front(
            folder, run, behind, certificates, tls, plain, environment or {}, changes or {}
        )
        front.write()
        front.start()
        try:
            yield front
        finally:
            front.stop()
    finally:
        shutil.rmtree(folder)


def _program() -> Path:
    return find_program("nginx", "nginx")

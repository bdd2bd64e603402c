"""The door as it is served, on a real socket, in a small office."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from dengwen_audit.statements.manifest import Manifest
from dengwen_submit.door_server import Opening, serve_door
from dengwen_submit.door_settings import DOOR_FILE, DoorSettings
from dengwen_submit.intake import PATH, PLACES
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.ticket import case_hash
from dengwen_submit.web import create_door
from tests.patience import PATIENCE, wait_until
from tests.vault.office import VaultOffice, seal_petition

HOST = "127.0.0.1"


@dataclass
class OpenDoor:
    """
    A door that is open.

    Attributes:
        line: What its petitions go through.
    """

    office: VaultOffice
    port: int
    line: IntakeLine

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def settings(self, text: str) -> None:
        """Write the file of the operator's switches, and wait until the door goes by them."""
        (self.office.folder / DOOR_FILE).write_text(text, encoding="utf-8")
        wanted = DoorSettings.parse(text)
        wait_until(lambda: self.line.settings.now == wanted, "the door keeps its settings")
        wait_until(lambda: self.line._throttle.limit == wanted.queue, "the queue stays as it was")

    def send(self, name: str, **headers: str) -> requests.Response:
        """Send the petition of somebody of this *name*, with more headers."""
        petition = seal_petition(name)
        fields = {"Dengwen-Case": announce(petition.manifest)}
        fields |= {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.post(self.url + PATH, petition.to_bytes(), headers=fields, timeout=PATIENCE)

    def ask(self, name: str, **headers: str) -> requests.Response:
        """Ask for a place for the petition of somebody of this *name*."""
        fields = {"Dengwen-Case": announce(seal_petition(name).manifest)}
        fields |= {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.post(self.url + PLACES, headers=fields, timeout=PATIENCE)

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection((HOST, self.port), timeout=PATIENCE)


def announce(manifest: Manifest) -> str:
    """Spell what a client says of its case before the body."""
    return case_hash(manifest.case).hex()


@contextlib.contextmanager
def open_door(folder: Path) -> Iterator[OpenDoor]:
    """Serve a new office's door until the end."""
    office = VaultOffice(folder, f"sqlite:///{folder / 'vault.sqlite3'}")
    office.tick()
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()
    lines: list[IntakeLine] = []

    class SeenLine(IntakeLine):
        """The door's own line, which a test can look at."""

        def start(self) -> None:
            """Show it."""
            lines.append(self)
            super().start()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    app = create_door(office.vault, office.clock)
    thread = threading.Thread(
        target=serve_door,
        args=(Opening(app, office.vault, make_line=SeenLine), HOST, 0, on_ready),
        kwargs={"stop": stop},
    )
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield OpenDoor(office, ports[0], lines[0])
    finally:
        stop.set()
        thread.join(PATIENCE)
        office.close()
        assert not thread.is_alive()

"""
An office at work with its gatekeepers: desk, door, sequencer and three gatekeeper services.

The gatekeepers are the witnesses of the log as well, as they are in service. Only sockets and the
clock are given.
"""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import urlsplit

import requests
from flask import Flask

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import to_base64
from dengwen_keys.gatekeeper.service import Service, make_service
from dengwen_keys.keyfile import MemberKeys
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.released import Asked
from dengwen_keys.reviewer import Progress, Reviewer
from dengwen_submit.public_files import public_files
from dengwen_vault.web import create_desk
from tests.keys.gatekeeper_fixture import alter
from tests.small_office import make_card, make_key, make_seed, sign_by_roots
from tests.vault.office import VaultOffice
from tests.wsgi_adapter import WsgiAdapter

GATEKEEPERS = ("gatekeeper-1", "gatekeeper-2", "gatekeeper-3")


def keys_of(name: str, *, is_witness: bool = False) -> MemberKeys:
    """Return the key file's content of a member of the small office."""
    cosigning = make_seed(f"{name} cosigning") if is_witness else None
    return MemberKeys(name, make_seed(name), make_seed(f"{name} sealing"), cosigning)


class Desk(WsgiAdapter):
    """
    The way to the desk.

    Attributes:
        cut: Requests to this path do not arrive: to post an answer and then die looks the same.
        refuse: Requests to this path are refused, and change nothing.
        instead: What is served for a path instead of what the desk serves.
        bodies: What was posted, by path, also what did not arrive.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.cut = ""
        self.refuse = ""
        self.instead: dict[str, bytes] = {}
        self.bodies: dict[str, list[bytes]] = {}

    def send(
        self, request: requests.PreparedRequest, *args: object, **kwargs: object
    ) -> requests.Response:
        """Pass a request on, unless it is cut."""
        path = urlsplit(request.url or "").path
        if isinstance(request.body, bytes):
            self.bodies.setdefault(path, []).append(request.body)
        if self.cut == path:
            raise requests.ConnectionError
        if self.refuse == path:
            return _refusal()
        answer = super().send(request, *args, **kwargs)
        if path in self.instead:
            answer.raw = io.BytesIO(self.instead[path])
            answer.headers.pop("Content-Length", None)
        return answer


def _refusal() -> requests.Response:
    answer = requests.Response()
    answer.status_code = 403
    answer.raw = io.BytesIO(b'{"type": "urn:dengwen:problem:rule"}')
    return answer


class WorkingOffice(VaultOffice):
    """
    An office whose card and roster are in the log, and its three gatekeepers.

    Attributes:
        desk: The way to the desk; its `down`, `lose_answers` and `cut` are the network's moods.
        door: The way to the public files.
        gatekeepers: By name.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, f"sqlite:///{folder / 'vault.sqlite3'}")
        card = make_card()
        self.folder_of_gatekeepers = folder
        door = Flask("door", static_folder=None)
        door.register_blueprint(public_files(self.vault.public_folder, card.door, card.tick))
        self.door = WsgiAdapter(door)
        self.session.mount(card.door, self.door)
        self.desk = Desk(create_desk(self.vault, self.clock))
        self.session.mount(card.desk, self.desk)
        self.gatekeepers = {name: self.start(name) for name in GATEKEEPERS}
        self.tick()

    def start(self, name: str, handed: Note | None = None) -> Service:
        """Start a gatekeeper from its folder."""
        card = sign_by_roots(make_card().to_bytes())
        folder, keys = self.folder_of_gatekeepers / name, keys_of(name, is_witness=True)
        service = make_service(folder, card, keys, self.session, self.clock, handed=handed)
        self.session.mount(f"https://{name}.example", WsgiAdapter(service.app))
        return service

    def restart(self, name: str) -> Service:
        """Stop a gatekeeper and start it again."""
        self.gatekeepers[name].close()
        self.gatekeepers[name] = self.start(name)
        return self.gatekeepers[name]

    def reviewer(self, name: str) -> Reviewer:
        """Return the client of a reviewer."""
        return Reviewer(make_card(), keys_of(name), self.session, self.clock)

    def ask_to_open(self, manifest: Manifest, **changes: object) -> Asked:
        """Let the panel's first member make a request, with *changes*, and let it be logged."""
        asked = self.reviewer(manifest.panel[0]).ask(manifest.case)
        if changes:
            request = alter(asked.request, changes)
            note = sign_note(request.to_bytes(), make_key(manifest.panel[0]))
            asked = Asked(note, request, asked.fresh)
        self.reviewer(manifest.panel[0]).send(asked)
        self.tick()
        return asked

    def progress(self, asked: Asked) -> Progress:
        """Return what the requester sees of a request."""
        return self.reviewer(asked.request.requester).progress(asked)

    def take_in(self, petition: SealedPetition, *, attach: bool = True) -> Manifest:
        """Take in a petition, with its files unless told otherwise, and let it be received."""
        acceptance = self.vault.accept(petition.letter(), at_once=True)
        if attach:
            self.attach(petition, to_base64(acceptance.to_bytes()))
        self.tick()
        return petition.manifest

    def round(self, *names: str) -> None:
        """Let gatekeepers go round once, by default all."""
        for name in names or GATEKEEPERS:
            self.gatekeepers[name].gatekeeper.round()

    def close(self) -> None:
        """Close every file."""
        for service in self.gatekeepers.values():
            service.close()
        super().close()

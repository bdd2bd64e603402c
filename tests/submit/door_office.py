"""
An office with its door open, as a petitioner's tools meet it.

The store, the log and the door are those that run in service. Holders and mirror are played by
hand, since what they say is what these tests are about.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from flask import Flask, Response
from werkzeug.test import run_wsgi_app

from dengwen_audit.event import Event
from dengwen_audit.mirror_web import head_blueprint
from dengwen_audit.note import Note, NoteHash, sign_note
from dengwen_audit.problems import BodyLimits
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.challenge import check_challenge
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import ZERO_HASH, to_base64
from dengwen_audit.web import AUDIT_PROBLEMS, register_problems
from dengwen_submit.cli.options import Surroundings
from dengwen_submit.door_client import CaseClient, DoorClient
from dengwen_submit.follow_up import CaseView, follow_up
from dengwen_submit.heads import HeadRound
from dengwen_submit.intake import PATH
from dengwen_submit.office import Office, OfficeFiles
from dengwen_submit.pinning import fetch_office
from dengwen_submit.session import open_session
from dengwen_submit.web import create_door
from tests.small_office import OFFICE, make_card, make_key, make_roster, sign_by_roots
from tests.submit.office_files import next_roster
from tests.town_wire import Wire
from tests.vault.office import VaultOffice, words_of
from tests.wsgi_adapter import WsgiAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOLDERS = ("gatekeeper-1", "gatekeeper-2", "gatekeeper-3", "mirror-1")
SEALED_SHARE = b"what only the requester can open"


class HandHolder:
    """
    A holder or mirror whose heads say what a test wants them to.

    Attributes:
        seen: Number and hash of the newest event that it has seen.
        released: The requests for which it says that its share left.
        signer: Whose key signs its heads.
        asked: What it was asked.
        before_answer: Called before it looks what it has seen.
        instead: What it answers whatever it is asked, if anything.
        wire: Leads to its address.
    """

    def __init__(self, name: str) -> None:
        self.name = self.signer = name
        self.seen = (0, ZERO_HASH)
        self.released: tuple[bytes, ...] = ()
        self.asked: list[Note] = []
        self.before_answer: Callable[[], object] = lambda: None
        self.instead: Note | None = None
        self.wire = WsgiAdapter(self._make_app())

    def answer(self, challenge: Note) -> Note:
        """Return a signed head for a challenge."""
        asked = check_challenge(challenge)
        self.asked.append(challenge)
        self.before_answer()
        released = tuple(sorted(self.released))
        head = Head(asked.office, asked.case, asked.nonce, self.name, *self.seen, released)
        return self.instead or sign_note(head.to_bytes(), make_key(self.signer))

    def _make_app(self) -> Flask:
        app = Flask(self.name, static_folder=None)
        register_problems(app, AUDIT_PROBLEMS, BodyLimits())
        app.register_blueprint(head_blueprint(self.answer))
        return app


class Front:
    """
    What stands before the door, such as a proxy with troubles of its own.

    Attributes:
        path: Which requests it answers: those whose path begins so, and that are no questions.
        instead: What it answers to them, one after another, instead of the door.
        is_late: Whether the door gets them all the same.
    """

    def __init__(self, door: Flask) -> None:
        self._door = door
        self.path = PATH
        self.instead: list[Response] = []
        self.is_late = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        is_asked = environ["PATH_INFO"].startswith(self.path) and bool(self.instead)
        if environ["REQUEST_METHOD"] == "GET" or not is_asked:
            return self._door(environ, start_response)
        if self.is_late:
            run_wsgi_app(self._door, environ, buffered=True)
        return self.instead.pop(0)(environ, start_response)


class DoorOffice(VaultOffice):
    """
    An office whose card and roster are in the log, and its door.

    Attributes:
        front: What stands before the door.
        door: The wire to it.
        holders: By name.
        while_waiting: Called whenever the petitioner's tools wait.
        slept: How long they waited, each time, in seconds.
    """

    def __init__(self, folder: Path) -> None:
        """Set it up in *folder*, unless there is an office in it."""
        is_new = not folder.exists()
        super().__init__(folder, "sqlite:///vault.sqlite3")
        if is_new:
            self.tick()
        self.front = Front(create_door(self.vault, self.clock))
        self.door = Wire(self.front)
        self.holders = {name: HandHolder(name) for name in HOLDERS}
        self.while_waiting: list[Callable[[], object]] = []
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass, and others do what they do meanwhile."""
        self.now += seconds
        self.slept.append(seconds)
        for do in self.while_waiting:
            do()

    def open_session(self, proxy: str | None = None) -> requests.Session:
        """Return a petitioner's session, whose wires lead to this office and its holders."""
        session = open_session(proxy)
        session.mount(make_card().door, self.door)
        for name, holder in self.holders.items():
            session.mount(f"https://{name}.example", holder.wire)
        return session

    @property
    def surroundings(self) -> Surroundings:
        """What the petitioner's commands need of the world outside."""
        return Surroundings(self.clock, self.sleep, self.open_session)

    # What she does.

    def door_client(self) -> DoorClient:
        """Return the door as her tools use it."""
        return DoorClient(make_card().door, self.open_session(), self.clock)

    def case_client(self, name: str = "first") -> CaseClient:
        """Return the door as the petitioner of this *name* uses it."""
        return self.door_client().case(words_of(name).signing_key())

    def files(self) -> OfficeFiles:
        """Return the office as her tools fetch it."""
        return fetch_office(self.door_client(), None, self.now)[0]

    def pinned(self) -> Office:
        """Return the office as her tools fetch and check it."""
        return fetch_office(self.door_client(), None, self.now)[1]

    def round(self) -> HeadRound:
        """Return a round of questions that waits for five seconds."""
        return HeadRound(self.open_session(), self.clock, 5.0, lambda: self.sleep(1))

    def follow_up(self, name: str = "first", office: Office | None = None) -> CaseView:
        """Look at a case as the petitioner of this *name*."""
        pinned = office or self.pinned()
        return follow_up(self.door_client(), pinned, words_of(name), self.round())

    # What others do.

    def events(self, manifest: Manifest) -> list[Event]:
        """Return the events of a case."""
        served = self.vault.case_events(manifest.case).events
        return [Event.parse(event.event) for event in served]

    @contextlib.contextmanager
    def silent(self, *names: str) -> Iterator[None]:
        """Let these holders, or all, not answer at their addresses for a while."""
        wires = [self.holders[name].wire for name in names or HOLDERS]
        for wire in wires:
            wire.down = True
        yield
        for wire in wires:
            wire.down = False

    def look(self, manifest: Manifest) -> None:
        """Let all holders and the mirror see every event of a case."""
        newest = self.events(manifest)[-1]
        for holder in self.holders.values():
            holder.seen = (newest.number, newest.hash)

    def publish_next_roster(self, **changes: object) -> None:
        """Let the next roster come into force."""
        following = next_roster(self.vault.roster, **(changes or {"openings_per_day": 1}))
        self.vault.publish_roster(sign_by_roots(following.to_bytes()))
        self.tick(2)

    def request(self, manifest: Manifest, *, tick: bool = True) -> NoteHash:
        """Let a member of the panel ask to open the petition."""
        note = self.request_note(manifest)
        assert self.ask(manifest.panel[0], "/v1/requests", note.to_bytes()).ok
        if tick:
            self.tick()
        return note.hash

    def release(
        self, request: NoteHash, manifest: Manifest, name: str, *, tick: bool = True
    ) -> None:
        """Let a gatekeeper release its share, and remember that it did."""
        answer = Answer(
            kind=RELEASE,
            office=OFFICE,
            case=manifest.case,
            compartment="petition",
            request=request,
            holder=name,
            seat=make_roster().member(name).seat,
            sealed=hashlib.sha256(SEALED_SHARE).digest(),
        )
        note = sign_note(answer.to_bytes(), make_key(name))
        body = {"note": note.to_bytes().decode(), "sealed": to_base64(SEALED_SHARE)}
        assert self._post_json(name, "/v1/answers", body).ok
        self.holders[name].released += (request,)
        if tick:
            self.tick()

    def poll(self, *names: str) -> None:
        """Let these holders, or all, answer the challenges that wait for them at the desk."""
        for name in names or HOLDERS:
            for challenge in self.ask(name, "/v1/work").json()["challenges"]:
                head = self.holders[name].answer(Note.parse(challenge.encode()))
                assert self.ask(name, "/v1/heads", head.to_bytes()).ok

    def _post_json(self, member: str, path: str, body: object) -> requests.Response:
        request = requests.Request("POST", "https://nowhere.example", json=body).prepare()
        assert isinstance(request.body, bytes)
        return self.ask(member, path, request.body)

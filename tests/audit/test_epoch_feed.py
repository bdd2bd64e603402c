"""Tests of epoch_feed.py: what a desk may answer, beside what test_mirror.py lets it answer."""

import flask
import pytest
import requests

from dengwen_audit.epoch_feed import EpochFeed
from dengwen_audit.http_client import HttpClient
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.text import TextError
from tests.audit.small_desk import SmallDesk, make_event
from tests.small_log import seed
from tests.wsgi_adapter import WsgiAdapter

DESK = "https://desk.example"
NOW = 1_770_000_000.0
KEY = SigningKey("auditor-1", seed("auditor"))


@pytest.fixture
def desk() -> SmallDesk:
    """Return a desk with one epoch of one event."""
    desk = SmallDesk(lambda: NOW)
    desk.keys[KEY.name] = KEY.verification_key
    desk.tick([make_event("street", 1)])
    return desk


def connect(desk: SmallDesk) -> HttpClient:
    """Return an auditor's way to the desk."""
    session = requests.Session()
    session.mount(DESK, WsgiAdapter(desk.app))
    return HttpClient(session, MemberAuth(KEY.name, KEY, lambda: NOW))


def some_note() -> Note:
    """Return some note."""
    return sign_note(b"a text\n", KEY)


def test_causes_and_manifests_come_by_their_hashes(desk: SmallDesk) -> None:
    """A cause under its own hash, a manifest under its case."""
    note = some_note()
    text = note.to_bytes().decode()
    case = seed("street")
    more = {"causes": {note.hash.hex(): text}, "manifests": {case.hex(): text}}
    desk.bend = lambda epochs: [epoch | more for epoch in epochs]
    (epoch,) = EpochFeed(connect(desk), DESK, causes=True).read(0, 1)
    assert (epoch.causes, epoch.manifests) == ({note.hash: note}, {case: note})
    assert [event.case for event in epoch.events] == [case]


def test_an_answer_that_is_no_json_is_refused() -> None:
    """A proxy's error page with status 200 is no list of epochs."""
    page = flask.Flask("page")
    page.add_url_rule("/<path:path>", view_func=lambda path: "<html>", methods=["GET"])
    session = requests.Session()
    session.mount(DESK, WsgiAdapter(page))
    feed = EpochFeed(HttpClient(session), DESK)
    with pytest.raises(TextError, match="not JSON"):
        list(feed.read(0, 1))


@pytest.mark.parametrize(
    "causes",
    [[], {"00": "x"}, {seed("another hash").hex(): some_note().to_bytes().decode()}],
    ids=["no object", "no hash", "another hash"],
)
def test_causes_must_have_the_hash_they_stand_under(desk: SmallDesk, causes: object) -> None:
    """Whoever looks a cause up by its hash gets that one or none."""
    desk.bend = lambda epochs: [epoch | {"causes": causes} for epoch in epochs]
    with pytest.raises(TextError):
        list(EpochFeed(connect(desk), DESK, causes=True).read(0, 1))

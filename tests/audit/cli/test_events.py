"""Tests of `dengwen-audit events`."""

import dataclasses
import time
from pathlib import Path

import flask
import pytest
import requests

from dengwen_audit.auditkey import AuditKey, write_key
from dengwen_audit.cli import events
from tests.audit.case_book import CaseBook, good_case
from tests.audit.cli.conftest import Typed
from tests.audit.public_office import PublicOffice
from tests.audit.small_desk import SmallDesk
from tests.small_office import make_card, make_seed, sign_by_roots
from tests.small_statements import make_grant
from tests.wsgi_adapter import WsgiAdapter


class Online:
    """An office on the web: its public files, and a desk that shows a case."""

    def __init__(self, folder: Path, book: CaseBook) -> None:
        """Publish the events of *book*, each in its record."""
        self.office = PublicOffice(folder)
        self.desk = SmallDesk(time.time)
        self.wires = (WsgiAdapter(self._door()), WsgiAdapter(self.desk.app))
        for index in range(max(logged.index for logged in book.events) + 1):
            here = [logged.event for logged in book.events if logged.index == index]
            epoch = self.office.tick(events=here)
            causes = {e.cause.hex(): book.causes[e.cause].to_bytes().decode() for e in here}  # type: ignore[index]
            manifests = {
                e.case.hex(): book.manifests[e.case].to_bytes().decode()
                for e in here
                if e.case in book.manifests
            }
            self.desk.epochs.append(
                {
                    "index": index,
                    "record": epoch.record.to_bytes().decode(),
                    "leaves": [leaf.decode() for leaf in epoch.leaves],
                    "causes": causes,
                    "manifests": manifests,
                }
            )
        self.office.sign()

    def _door(self) -> flask.Flask:
        app = flask.Flask("door")
        folder = self.office.folder

        @app.get("/<path:path>")
        def file(path: str) -> flask.Response:
            return flask.send_from_directory(folder, path)

        return app

    def session(self) -> requests.Session:
        """Return a session that reaches both."""
        session = requests.Session()
        session.mount(make_card().door, self.wires[0])
        session.mount(make_card().desk, self.wires[1])
        return session


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Online:
    """Return an office with one good case."""
    return Online(tmp_path_factory.mktemp("online"), good_case())


@pytest.fixture
def audited(
    typed: Typed, published: Online, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Typed:
    """Let an auditor in who was granted the events, and type `events` for it."""
    key = AuditKey("auditor-1", "auditor-1/witness", make_seed("auditor"), make_seed("unused"))
    path = tmp_path / "auditor.key"
    write_key(path, key)
    published.desk.keys = {"auditor-1": key.signing_key.verification_key}
    published.desk.bend = lambda epochs: epochs
    monkeypatch.setattr(events, "open_session", published.session)
    return lambda *words: typed("events", "--card", card, "--key", path, *words)


def test_a_good_case_keeps_every_rule(audited: Typed) -> None:
    """Seven events, of the office and of one case."""
    code, said = audited()
    assert said == "7 events of 1 cases in the records 0 to 1270.\nEvery rule was kept.\n"
    assert code == 0


def test_a_broken_rule_ends_with_1(audited: Typed, published: Online) -> None:
    """A cause that the desk withholds is one."""
    published.desk.bend = lambda epochs: [epoch | {"causes": {}} for epoch in epochs]
    code, said = audited()
    assert code == 1
    assert said.count("its cause is not served") == 7
    assert said.endswith("7 breaches.\n")


def test_a_grant_tells_where_to_begin(audited: Typed, tmp_path: Path) -> None:
    """Nothing before it is asked for."""
    grant = dataclasses.replace(make_grant(), from_index=1235)
    (tmp_path / "grant").write_bytes(sign_by_roots(grant.to_bytes()).to_bytes())
    code, said = audited("--grant", tmp_path / "grant")
    assert (code, said[:40]) == (0, "6 events of 1 cases in the records 1235 ")


def test_the_grant_of_another_auditor_is_refused(audited: Typed, tmp_path: Path) -> None:
    """It says who may read."""
    grant = dataclasses.replace(make_grant(), auditor="auditor-2")
    (tmp_path / "grant").write_bytes(sign_by_roots(grant.to_bytes()).to_bytes())
    code, said = audited("--grant", tmp_path / "grant")
    assert code == 1
    assert "another auditor" in said


def test_epochs_that_are_not_in_the_public_log_are_refused(
    audited: Typed, published: Online
) -> None:
    """The auditor is shown what everybody is bound to, or nothing."""
    other = SmallDesk(time.time)
    for _ in range(300):
        other.tick()
    published.desk.bend = lambda epochs: other.epochs[: len(epochs)]
    code, said = audited()
    assert code == 1
    assert "is not the one in the public log" in said


def test_without_a_grant_it_cannot_be_told(audited: Typed, published: Online) -> None:
    """The desk does not let everybody in."""
    published.desk.keys = {}
    code, said = audited()
    assert code == 2
    assert "the desk answers 401 for epochs" in said

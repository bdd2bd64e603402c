"""Tests of cli/: what is typed, what is printed, and which exit code tells what."""

import dataclasses
import datetime
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import flask
import pytest
import requests

from dengwen_audit.auditkey import AuditKey, read_key, write_key
from dengwen_audit.cli import events
from dengwen_audit.cli.main import COMMANDS, main
from dengwen_audit.note import Note
from dengwen_audit.proof import LogProof
from dengwen_audit.statements.roster import Roster
from dengwen_audit.tile_paths import CHECKPOINT_PATH, tile_path
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.witness import hash_origin
from tests.audit.case_book import CaseBook, good_case
from tests.audit.public_office import PublicOffice
from tests.audit.small_desk import SmallDesk
from tests.small_log import ORIGIN, SmallLog, policy_text
from tests.small_office import OFFICE, make_card, make_roster, make_seed, sign_by_roots
from tests.small_statements import make_grant
from tests.wsgi_adapter import WsgiAdapter

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type a command; return its exit code and what it said."""

    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dengwen-audit", *map(str, words)])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        assert isinstance(code, int)
        return code, said.out + said.err

    return run


def current_roster() -> Roster:
    """Return a roster that is valid on the day of the test."""
    today = datetime.datetime.now(datetime.UTC).date()
    day = datetime.timedelta(days=1)
    return dataclasses.replace(make_roster(), valid_from=today - day, valid_until=today + 20 * day)


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has ten records, signed a moment ago."""
    office = PublicOffice(tmp_path / "public", current_roster(), int(time.time()) - 600)
    office.tick(10)
    office.sign()
    return office


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Return the pinned card's file."""
    path = tmp_path / "card.txt"
    path.write_bytes(sign_by_roots(make_card().to_bytes()).to_bytes())
    return path


# verify


def test_a_sound_log_ends_with_0(typed: Typed, office: PublicOffice, card: Path) -> None:
    """It says what was verified, who vouched for it, and when."""
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 0
    assert f"{OFFICE}: 10 records" in said
    assert "cosigned by gatekeeper-1 at " in said
    assert said.endswith("Sound.\n")


def test_a_breach_ends_with_1(typed: Typed, office: PublicOffice, card: Path) -> None:
    """Each in a line of its own."""
    (office.folder / f"log/{tile_path(0, 0, 10)}").unlink()
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 1
    assert "BREACH: a file is missing" in said
    assert said.endswith("NOT SOUND: 1 breaches.\n")


def test_no_log_ends_with_2(typed: Typed, tmp_path: Path, card: Path) -> None:
    """Nobody is accused because of a misspelt address."""
    code, said = typed("verify", tmp_path / "nowhere", "--card", card)
    assert code == 2
    assert "Could not be told: there is no log at this address" in said


def test_a_forged_card_ends_with_1(typed: Typed, office: PublicOffice, card: Path) -> None:
    """The pinned card is checked first."""
    note = Note.parse(card.read_bytes())
    card.write_bytes(Note(note.text, note.signatures[:1]).to_bytes())
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 1
    assert said.startswith("Does not hold: ")


def test_card_or_policy_but_not_both(typed: Typed, office: PublicOffice, card: Path) -> None:
    """By what a log is judged must be clear."""
    for options in ((), ("--card", card, "--policy", card)):
        code, said = typed("verify", office.folder, *options)
        assert code == 2
        assert "one of them" in said


def test_a_rollback_is_found_between_two_visits(
    typed: Typed, office: PublicOffice, card: Path, tmp_path: Path
) -> None:
    """The state is kept, and the checkpoint that contradicts it is kept beside it."""
    state = tmp_path / "state"
    verify = ("verify", office.folder, "--card", card, "--state", state)
    assert typed(*verify)[0] == 0
    before = state.read_bytes()
    office.rewrite(5)
    office.sign()
    code, said = typed(*verify)
    assert code == 1
    assert "ROLLBACK: 10 records were shown before, and now 5" in said
    assert state.read_bytes() == before
    kept = Note.parse((tmp_path / "state.breach").read_bytes())
    assert kept == office.checkpoint()


def test_a_second_visit_is_not_the_first(
    typed: Typed, office: PublicOffice, card: Path, tmp_path: Path
) -> None:
    """With a memory nothing is left to note."""
    verify = ("verify", office.folder, "--card", card, "--state", tmp_path / "state")
    assert "Note: first visit" in typed(*verify)[1]
    code, said = typed(*verify)
    assert code == 0
    assert "Note:" not in said
    assert not (tmp_path / "state.breach").exists()


def test_any_c2sp_log_can_be_verified_by_a_policy(typed: Typed, tmp_path: Path) -> None:
    """Without a card the records are just entries."""
    log, folder = SmallLog([b"anything"] * 3), tmp_path / "log"
    TileWriter(folder).append(0, log.entries)
    (folder / CHECKPOINT_PATH).write_bytes(log.note(time=int(time.time())).to_bytes())
    (tmp_path / "policy").write_text(policy_text())
    code, said = typed("verify", folder, "--policy", tmp_path / "policy")
    assert code == 0
    assert "no card is given" in said


def test_verify_needs_no_web_server(office: PublicOffice, card: Path) -> None:
    """An auditor's laptop has neither Flask nor waitress."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('flask', 'waitress', 'sqlalchemy')));"
        f"sys.argv = ['dengwen-audit', 'verify', {str(office.folder)!r}, '--card', {str(card)!r}];"
        "from dengwen_audit.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# prove and receipt


def test_a_record_is_proved(typed: Typed, office: PublicOffice, card: Path, tmp_path: Path) -> None:
    """The proof stands alone; it is checked with the policy only."""
    path = tmp_path / "7.tlog-proof"
    code, said = typed("prove", office.folder, 7, "--card", card, "--output", path)
    assert (code, said) == (0, "")
    proof = LogProof.parse(path.read_bytes())
    assert proof.extra == office.records[7]
    assert proof.check(make_card().policy, office.records[7]).checkpoint.size == 10


def test_a_proof_can_be_shown(typed: Typed, office: PublicOffice, card: Path) -> None:
    """On the screen it is the same text."""
    code, said = typed("prove", office.folder, 0, "--card", card)
    assert code == 0
    assert LogProof.parse(said.encode()).index == 0


def test_a_record_that_is_not_there_cannot_be_proved(
    typed: Typed, office: PublicOffice, card: Path
) -> None:
    """Records are counted from 0."""
    code, said = typed("prove", office.folder, 10, "--card", card)
    assert code == 2
    assert "the log has 10 records" in said


def test_a_receipt_is_explained(typed: Typed, office: PublicOffice, card: Path) -> None:
    """In plain words, and what it does not prove as well."""
    second = dataclasses.replace(office.roster, version=2, previous=office.roster.hash)
    office.publish_roster(second)
    path = office.folder / f"rosters/{second.hash.hex()}.tlog-proof"
    code, said = typed("receipt", path, "--card", card)
    assert code == 0
    assert "Proven: roster.published, by roots, dated " in said
    assert f"It is in record 10 of the log {OFFICE}." in said
    assert "Not proven: that nothing came after it" in said


def test_a_mangled_receipt_proves_nothing(typed: Typed, office: PublicOffice, card: Path) -> None:
    """One hash more in its path is enough."""
    second = dataclasses.replace(office.roster, version=2, previous=office.roster.hash)
    office.publish_roster(second)
    path = office.folder / f"rosters/{second.hash.hex()}.tlog-proof"
    path.write_bytes(path.read_bytes().replace(b"\nindex 10\n", b"\nindex 9\n"))
    code, said = typed("receipt", path, "--card", card)
    assert code == 1
    assert said.startswith("Does not hold: ")
    assert "Proven" not in said


# key


def test_a_key_file_is_made_once(typed: Typed, tmp_path: Path) -> None:
    """What is printed is what the office file needs, and no secret."""
    path = tmp_path / "key"
    code, said = typed("key", "create", "mirror-1", "--key", path)
    key = read_key(path)
    assert code == 0
    assert f'key = "{key.signing_key.verification_key.to_text()}"' in said
    assert f'key = "{key.cosigner.key.verification_key.to_text()}"' in said
    assert key.signing_seed.hex() not in said
    assert typed("key", "show", "--key", path) == (0, said)
    code, refusal = typed("key", "create", "mirror-1", "--key", path)
    assert (code, read_key(path)) == (2, key)
    assert "already" in refusal


@pytest.mark.parametrize(
    ("role", "member", "witness"),
    [("mirror", True, True), ("auditor", True, False), ("witness", False, True)],
)
def test_each_role_is_told_what_it_needs(
    typed: Typed, tmp_path: Path, role: str, member: bool, witness: bool
) -> None:
    """An auditor witnesses nothing; a plain witness is no member."""
    _, said = typed("key", "create", "some-one", "--role", role, "--key", tmp_path / "key")
    assert ("[[member]]" in said, "[[witness]]" in said) == (member, witness)


# events


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


# Services


class Service:
    """A service in a process of its own."""

    def __init__(self, words: Sequence[object], folder: Path) -> None:
        """Start it, and wait until it listens."""
        code = "from dengwen_audit.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Listening on port "), self.end()
        self.url = f"http://127.0.0.1:{line.split()[-1].rstrip('.')}"

    def end(self) -> tuple[int, str]:
        """Ask it to stop; return its exit code and what it said on the way."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=15)
        return self.process.returncode, out + err


def test_a_witness_runs_and_stops(typed: Typed, tmp_path: Path) -> None:
    """It cosigns, remembers over a restart, and ends with 0 when it is told to."""
    typed("key", "create", "hill", "--role", "witness", "--key", tmp_path / "key")
    (tmp_path / "policy").write_text(policy_text())
    words = ("witness", "run", "--policy", "policy", "--key", "key", "--data", "data")
    log = SmallLog([b"a", b"b", b"c"])
    body = b"old 0\n\n" + log.note([]).to_bytes()
    service = Service(words, tmp_path)
    assert requests.post(f"{service.url}/add-checkpoint", data=body, timeout=5).status_code == 200
    assert service.end() == (0, "")
    service = Service(words, tmp_path)
    shown = requests.get(f"{service.url}/monitoring/{hash_origin(ORIGIN)}/checkpoint", timeout=5)
    again = requests.post(f"{service.url}/add-checkpoint", data=body, timeout=5)
    assert (shown.status_code, again.status_code, again.text) == (200, 409, "3\n")
    assert service.end() == (0, "")


def test_a_mirror_runs_and_stops(typed: Typed, tmp_path: Path, card: Path) -> None:
    """Without its desk it cosigns nothing, and says so."""
    typed("key", "create", "mirror-1", "--key", tmp_path / "key")
    words = ("mirror", "run", "--card", card, "--key", "key", "--data", "data", "--poll", "60")
    office = PublicOffice(tmp_path / "public")
    office.tick()
    note = office.checkpoint()
    body = b"old 0\n\n" + Note(note.text, note.signatures[:1]).to_bytes()
    service = Service(words, tmp_path)
    answer = requests.post(f"{service.url}/add-checkpoint", data=body, timeout=20)
    assert answer.status_code == 503
    assert "Server" not in answer.headers
    assert service.end()[0] == 0


def test_a_witness_of_nothing_is_refused(typed: Typed, tmp_path: Path) -> None:
    """Neither card nor policy: nothing to witness."""
    typed("key", "create", "hill", "--role", "witness", "--key", tmp_path / "key")
    code, said = typed("witness", "run", "--key", tmp_path / "key", "--data", tmp_path / "data")
    assert code == 2
    assert "give a --card or a --policy" in said


# All of them


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(typed: Typed, name: str) -> None:
    """With what the table says of it, or more."""
    code, said = typed(name, "--help")
    assert code == 0
    assert said.startswith(f"Usage: dengwen-audit {name}")


def test_the_help_lists_every_command(typed: Typed) -> None:
    """And the three exit codes."""
    code, said = typed("--help")
    assert code == 0
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert "Exit code 0" in said

"""The short form of `make bench-crowd`: a crowd that is more than can be taken at once."""

import select
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bench.crowd import generator
from bench.crowd.figures import Figures
from bench.crowd.fill import fill
from bench.crowd.generator import Crowd
from bench.crowd.office import HOST, POSTGRES, Doorway, sequencer
from bench.crowd.phases import Phase
from bench.crowd.pool import Pool
from bench.crowd.reading import read_meanwhile
from bench.crowd.rekey import head_of, rekey
from bench.crowd.run import Run, measure
from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.admission import Arrival
from tests.crowd.conftest import DIFFERENT, SEALED
from tests.patience import PATIENCE, wait_until
from tests.vault.office import VaultOffice

SMALL_QUEUE = 'puzzle = "off"\nqueue = 8\n'
SLOWEST = PATIENCE  # for whoever has to come back


def _crowd(workers: int, pool: Path) -> Figures:
    """Let some come, then so many at one moment that there is no room, then some."""
    phases = [
        Phase("calm", 0.5, 60),
        Phase("storm", 0.01, 25_000),
        Phase("after", 1.0, 60),
    ]
    doorway = Doorway("door", workers, settings=SMALL_QUEUE)
    return measure(Run("short", "", doorway, phases, drain=SLOWEST), pool)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_crowd_is_held_and_nothing_that_was_signed_for_is_lost(pool: Path, workers: int) -> None:
    """Who finds no room is told when to come back; all are accepted in the end, all is on disk."""
    figures = _crowd(workers, pool)
    assert figures.offered > 150
    assert figures.sent_away > 0
    assert figures.untold == 0
    assert (figures.gone, figures.kept_back, figures.errors) == (0, 0, {})
    assert figures.accepted == figures.offered
    assert figures.lost == 0
    assert figures.compared > 0
    assert figures.receipts > 0


def test_a_sequencer_beside_a_crowd_takes_all_into_the_log(pool: Path, tmp_path: Path) -> None:
    """What is measured beside a sequencer is measured beside one that has something to do."""
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path}/office/vault.sqlite3")
    office.tick()
    petitions = [Pool(pool).petition(number) for number in range(5)]
    office.vault.accept_all([Arrival(petition, at_once=True) for petition in petitions])
    with sequencer(office.folder, 0.1):
        wait_until(lambda: office.rows()["reception"] == 0)
    assert (office.rows()["event"], office.rows()["panel"]) == (2 + 5, 15)
    office.close()


@pytest.mark.slow
def test_a_crowd_is_held_beside_a_sequencer(pool: Path) -> None:
    """All who come are accepted, and nothing is lost, in line or in the log."""
    phases = [Phase("calm", 2.0, 60)]
    run = Run("service", "", Doorway("door", 1, tick=0.2), phases, drain=SLOWEST)
    figures = measure(run, pool)
    assert (figures.lost, figures.errors) == (0, {})
    assert figures.accepted == figures.offered > 60
    assert figures.receipts > 0


def test_the_bare_door_answers_everybody(pool: Path) -> None:
    """So that what the sockets cost can be told from what checks and disk cost."""
    phases = [Phase("all", 1.0, 100)]
    figures = measure(Run("bare", "", Doorway("bare"), phases, drain=SLOWEST), pool)
    assert figures.accepted == figures.offered > 0
    assert figures.lost is None


@pytest.mark.slow
def test_who_is_asked_for_work_does_it_and_is_let_in(pool: Path) -> None:
    """With the petitioner's own solver; without one, everybody goes home."""
    doorway = Doorway("door", 0, settings="puzzle = 8\n")
    phases = [Phase("all", 0.5, 30)]
    figures = measure(Run("work", "", doorway, phases, solves=True, drain=SLOWEST), pool)
    assert figures.asked_to_work > 0
    assert figures.accepted == figures.offered > 0
    idle = measure(Run("idle", "", doorway, phases, drain=SLOWEST), pool)
    assert idle.gone > 0
    assert idle.accepted + idle.gone == idle.offered


@pytest.mark.slow
@pytest.mark.postgres
def test_a_crowd_is_counted_on_postgresql_too(pool: Path, postgres_url: str) -> None:
    """Whose server is started and ended with the run."""
    run = Run("postgres", "", Doorway("door", 1, POSTGRES), [Phase("all", 1.0, 40)], drain=SLOWEST)
    figures = measure(run, pool)
    assert figures.accepted == figures.offered > 0
    assert figures.lost == 0
    assert figures.stored_each > 30_000


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 30.0])
def test_public_files_are_read_while_petitions_come(pool: Path, rate: float) -> None:
    """All of them, in turn, and petitions are accepted beside it."""
    found = read_meanwhile(Doorway("door", 1, records=3), pool, rate, 1.0, drain=SLOWEST)
    assert found["a second"] > 0
    assert found["paths"] > 5
    assert bool(found.get("petitions accepted")) == bool(rate)


def test_a_petition_under_a_new_case_key_is_a_whole_one(pool: Path) -> None:
    """The door has the same to check: another case, the same parts, a signature that holds."""
    petitions = Pool(pool)
    assert (len(petitions), petitions.sealed) == (DIFFERENT, SEALED)
    first, other = (SealedPetition.parse(petitions.petition(n)) for n in (3, 3 + SEALED))
    assert first.manifest.case != other.manifest.case
    assert first.note.hash != other.note.hash
    assert first.parts == other.parts
    cases = {SealedPetition.parse(petitions.petition(n)).manifest.case for n in range(DIFFERENT)}
    assert len(cases) == DIFFERENT


def test_a_pool_that_was_cut_off_is_filled_up(tmp_path: Path) -> None:
    """What is whole stays, and the rest is made again."""
    path = tmp_path / "pool"
    fill(2, path, 4)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    fill(2, path, 4)
    petitions = Pool(path)
    assert (petitions.sealed, len(petitions)) == (2, 4)
    assert path.read_bytes()[: len(whole) // 2] == whole[: len(whole) // 2]
    SealedPetition.parse(petitions.petition(0))


def test_a_new_case_under_the_old_signature_is_refused(pool: Path) -> None:
    """As it would be at the door."""
    petition = Pool(pool).petition(0)
    head = head_of(petition)
    other = rekey(head, "another")
    note, before = (Note.parse(h.data.partition(b"\n")[2]) for h in (other, head))
    mangled = replace(note, signatures=before.signatures)
    line = other.data.partition(b"\n")[0] + b"\n"
    with pytest.raises(SignatureError):
        SealedPetition.parse(line + mangled.to_bytes() + petition[len(head.data) :])


@pytest.mark.parametrize(
    ("headers", "untold"),
    [
        ("Retry-After: 1\r\nDengwen-Ticket: 1.0.ab\r\n", 0),
        ("Retry-After: 1\r\n", 1),
        ("Dengwen-Ticket: 1.0.ab\r\n", 1),
    ],
)
def test_a_refusal_that_does_not_say_when_or_gives_no_ticket_is_counted(
    pool: Path, headers: str, untold: int
) -> None:
    """Whoever was given both is not; all go home, since they are not patient."""
    answer = f"HTTP/1.1 503 Busy\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    phases = [Phase("few", 1.0, 10, patience=0.0)]
    with socket.create_server((HOST, 0)) as listener:
        crowd = Crowd(listener.getsockname()[:2], Pool(pool), drain=SLOWEST)
        visitors = threading.Thread(target=crowd.run, args=(phases,))
        visitors.start()
        while visitors.is_alive():
            if not select.select([listener], [], [], 0.05)[0]:
                continue
            line, _ = listener.accept()
            with line:
                while b"\r\n\r\n" not in line.recv(1 << 16):
                    pass
                line.sendall(answer.encode())
                line.shutdown(socket.SHUT_WR)
                while line.recv(1 << 16):
                    pass
        visitors.join()
    diary = crowd.diary
    assert diary.total("refused") == diary.total("gone") == diary.total("offered") > 0
    assert diary.untold == untold * diary.total("refused")


@pytest.mark.parametrize(("patience", "holds_on"), [(0.0, False), (1.0, True)])
def test_whoever_finds_no_connection_goes_home_in_the_end(
    pool: Path, monkeypatch: pytest.MonkeyPatch, patience: float, holds_on: bool
) -> None:
    """Unless she is patient; the one who has the connection waits for her answer."""
    monkeypatch.setattr(generator, "CONNECTIONS", 1)
    monkeypatch.setattr(generator, "HOLDS_ON", 0.1)
    with socket.create_server((HOST, 0)) as listener:
        crowd = Crowd(listener.getsockname()[:2], Pool(pool), drain=1.0)
        crowd.run([Phase("few", 1.0, 10, patience=patience)])
    diary = crowd.diary
    assert diary.total("offered") > 1
    assert diary.total("unheard") == (0 if holds_on else diary.total("offered") - 1)
    assert diary.total("gone") == diary.total("refused") == 0

"""Several machines on one database: who makes records, and how the others show the same files."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from dengwen_audit.errors import PolicyError
from dengwen_audit.log import LostRaceError, RestoredStoreError
from dengwen_audit.note import Note
from dengwen_audit.statements.member import Revocation
from dengwen_vault.database import Store
from dengwen_vault.doctor import FAULT, examine
from dengwen_vault.errors import UnavailableError
from dengwen_vault.follower import Follower
from dengwen_vault.models import Epoch, PublicCheckpoint
from dengwen_vault.place import Place
from dengwen_vault.publication import OfficePublisher, public_checkpoint
from tests.patience import wait_until
from tests.small_office import OFFICE, TODAY, make_card, make_key, make_roster
from tests.vault.office import VaultOffice
from tests.vault.test_rosters import follow as next_roster
from tests.vault.test_rosters import publish, with_new_gatekeeper


class Machine:
    """Another machine of an office: its public folder, and who keeps it."""

    def __init__(self, office: VaultOffice, folder: Path) -> None:
        """Begin with an empty folder, or with what is there."""
        self.folder = folder
        self.publisher = OfficePublisher(
            folder, make_key(OFFICE).verification_key, office.vault.store
        )
        self.follower = Follower(office.vault.store, self.publisher, make_card().policy)

    def files(self) -> dict[str, bytes]:
        """Return what everybody may have from here."""
        return files_of(self.folder)


def files_of(public: Path) -> dict[str, bytes]:
    """Return the files of a public folder by name, but for the lock."""
    paths = [path for path in public.rglob("*") if path.is_file() and path.name != ".sequencer"]
    return {str(path.relative_to(public)): path.read_bytes() for path in paths}


@pytest.fixture
def machine(office: VaultOffice, tmp_path: Path) -> Iterator[Machine]:
    """Give another machine of the office."""
    found = Machine(office, tmp_path / "machine" / "public")
    yield found
    found.publisher.close()


def test_an_empty_folder_becomes_the_same_byte_for_byte(
    office: VaultOffice, machine: Machine
) -> None:
    """Cards, rosters, their proofs, tiles, checkpoint, latest proof: all is in the database."""
    assert not machine.follower.follow()
    office.tick()
    publish(office, next_roster(make_roster(), revoked=(Revocation("reviewer-5", TODAY),)))
    office.tick(3)
    assert machine.follower.follow()
    assert machine.files() == files_of(office.vault.public_folder)
    assert len([name for name in machine.files() if name.endswith(".tlog-proof")]) == 3


def test_a_follower_goes_on_from_where_it_was(office: VaultOffice, machine: Machine) -> None:
    """And does nothing where nothing is new."""
    for _ in range(3):
        office.tick()
        assert machine.follower.follow()
        assert not machine.follower.follow()
        assert machine.files() == files_of(office.vault.public_folder)


def test_a_proof_of_publication_stays_the_first_one(office: VaultOffice, tmp_path: Path) -> None:
    """The seven days are counted from it: a machine that comes later must not begin them anew."""
    office.tick()
    second = with_new_gatekeeper(make_roster())
    publish(office, second)
    name = f"rosters/{second.hash.hex()}.tlog-proof"
    first = files_of(office.vault.public_folder)[name]
    office.now += 3 * 24 * 3600
    office.tick(2)
    late = Machine(office, tmp_path / "late")
    late.follower.follow()
    assert late.files()[name] == first
    late.publisher.close()


def test_a_sequencer_begins_in_the_folder_of_a_follower(
    office: VaultOffice, machine: Machine, tmp_path: Path
) -> None:
    """Whose machine is gone has a successor with every file, and one history goes on."""
    office.tick(2)
    machine.follower.follow()
    machine.publisher.close()
    office.vault.settings.__dict__["public"] = machine.folder
    office.tick(2)
    note = _checkpoint(office)
    assert machine.files()["log/checkpoint"] == note.to_bytes()
    assert make_card().policy.check(note).checkpoint.size == 4
    machine.publisher = OfficePublisher(
        tmp_path / "unused", make_key(OFFICE).verification_key, office.vault.store
    )


def test_a_checkpoint_without_its_quorum_is_not_shown(
    office: VaultOffice, machine: Machine
) -> None:
    """Whoever can write to the database cannot make anything public by that."""
    office.tick(2)
    note = _checkpoint(office)
    bare = Note(note.text, note.signatures[:1]).to_bytes()
    with office.vault.store.writing() as connection:
        connection.execute(update(PublicCheckpoint).values(note=bare))
    with pytest.raises(PolicyError):
        machine.follower.follow()
    assert machine.files() == {}


@pytest.mark.parametrize("number", [0, 1])
def test_a_folder_of_another_history_is_refused(
    office: VaultOffice, machine: Machine, number: int
) -> None:
    """Neither what was shown here once is overwritten, nor is what is new believed."""
    office.tick()
    machine.follower.follow()
    before = machine.files()
    office.tick()
    with office.vault.store.writing() as connection:
        other = update(Epoch).where(Epoch.number == number)
        connection.execute(other.values(record=bytes(161)))
    with pytest.raises(RestoredStoreError):
        machine.follower.follow()
    assert machine.files() == before


def test_a_machine_that_was_ahead_compares_what_it_has(
    office: VaultOffice, machine: Machine
) -> None:
    """A sequencer that lost its place has records that are not public; they must be the same."""
    office.tick(2)
    machine.publisher.append(0, office.epoch_store.records(0, 2))
    machine.publisher.append(2, [bytes(161)] * 2)
    assert machine.follower.follow()
    assert machine.files()["log/checkpoint"].splitlines()[1] == b"2"
    office.tick()
    with pytest.raises(RestoredStoreError):
        machine.follower.follow()


def test_what_was_published_first_stays(office: VaultOffice, machine: Machine) -> None:
    """A sequencer that was overtaken puts back neither the checkpoint nor a proof."""
    office.tick()
    first = _checkpoint(office)
    office.tick()
    machine.publisher.publish_checkpoint(first)
    assert make_card().policy.check(_checkpoint(office)).checkpoint.size == 2
    machine.publisher._keep_proof(make_roster().hash, first, b"another")
    machine.publisher.show_checkpoint(first)
    assert machine.follower.follow()
    assert machine.files() == files_of(office.vault.public_folder)


def _checkpoint(office: VaultOffice) -> Note:
    with office.vault.store.reading() as connection:
        note = public_checkpoint(connection)
    assert note is not None
    return note


def test_an_older_database_changes_nothing(office: VaultOffice, machine: Machine) -> None:
    """A standby that lags, or an old primary, is not followed backward."""
    office.tick()
    old = _checkpoint(office)
    office.tick()
    machine.follower.follow()
    before = machine.files()
    with office.vault.store.writing() as connection:
        older = update(PublicCheckpoint).values(size=1, note=old.to_bytes())
        connection.execute(older)
    assert not machine.follower.follow()
    assert machine.files() == before


def test_a_follower_waits_for_a_database_that_is_away(
    office: VaultOffice,
    machine: Machine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says so, and goes on by itself."""
    stop = threading.Event()
    thread = threading.Thread(target=machine.follower.run, args=(stop, 0.1))
    with monkeypatch.context() as away:
        away.setattr(office.vault.store, "reading", _away)
        thread.start()
        wait_until(lambda: "the database is away" in caplog.text, lambda: caplog.text)
    office.tick()
    wait_until(lambda: "log/checkpoint" in machine.files(), lambda: caplog.text)
    stop.set()
    thread.join()


def _away() -> None:
    raise UnavailableError("the database is away")


def test_a_machine_without_a_log_key_is_sound(small_office: VaultOffice) -> None:
    """A door's machine has no use for it, and a thief there has none either."""
    small_office.vault.settings.log_key_file.unlink()
    findings = examine(small_office.vault, small_office.now)
    assert [finding for finding in findings if finding.state == FAULT] == []
    assert "this machine has no log key, and so no sequencer" in {f.sentence for f in findings}


def test_on_one_machine_the_place_is_free(small_office: VaultOffice) -> None:
    """There the lock of the public folder keeps a second sequencer away."""
    first, second = Place(small_office.vault.store), Place(small_office.vault.store)
    assert first.take()
    assert second.take()
    first.check()
    first.close()


@pytest.mark.postgres
def test_one_sequencer_has_the_place_and_the_next_gets_it(postgres_database_url: str) -> None:
    """As soon as the connection is gone: given up, or cut."""
    store, other = Store(postgres_database_url), Store(postgres_database_url)
    first, second = Place(store), Place(other)
    assert first.take()
    assert first.take()
    assert not second.take()
    first.check()
    first.close()
    wait_until(second.take, "the place stays taken")
    assert not first.take()
    with psycopg.connect(postgres_database_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
    with pytest.raises(LostRaceError):
        second.check()
    wait_until(first.take, "the place stays taken")
    first.close()
    second.close()
    store.close()
    other.close()


@pytest.mark.postgres
def test_who_lost_the_place_makes_no_record(tmp_path: Path, postgres_database_url: str) -> None:
    """Although it would lose the race, too: it ends before it tries."""
    office = VaultOffice(tmp_path, postgres_database_url)
    office.tick()
    place = Place(office.vault.store)
    assert place.take()
    office.epoch_store = type(office.epoch_store)(office.vault.store, check_place=place.check)
    office.tick()
    with psycopg.connect(postgres_database_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
    with pytest.raises(LostRaceError):
        office.tick()
    assert office.epoch_store.size() == 2
    place.close()
    office.close()


@pytest.mark.postgres
def test_a_place_in_a_database_that_is_away_cannot_be_taken() -> None:
    """Who waits asks again."""
    store = Store("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(UnavailableError):
        Place(store).take()
    store.close()

"""
A commit that is on one machine only is never acknowledged, however the wait for another one ends.

A primary and its synchronous standby, both real. While the wire between them is cut every commit
waits; here that wait is ended by everything that can end it but the standby.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text

from dengwen_audit.note import Note
from dengwen_vault.database import Store
from dengwen_vault.doctor import FAULT, GOOD, WARNING, examine
from dengwen_vault.durability import check_durable, has_standby
from dengwen_vault.errors import SettingsError, UnavailableError
from dengwen_vault.models import LogHead, Petition
from dengwen_vault.settings import SYNCHRONOUS
from tests.patience import PATIENCE
from tests.servers import Server, Servers, Wire, servers
from tests.small_office import make_roster
from tests.vault.office import VaultOffice, seal_petition

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
NAMES = {"synchronous_standby_names": "FIRST 1 (a, b, c)"}


@pytest.fixture(scope="module")
def place() -> Iterator[Servers]:
    """Give a place for servers."""
    with servers() as found:
        yield found


@pytest.fixture(scope="module")
def primary(place: Servers) -> Server:
    """Give a primary with a standby."""
    found = place.primary("a", **NAMES)
    place.standby("b", found)
    return found


@pytest.fixture
def wire(place: Servers, primary: Server) -> Iterator[Wire]:
    """Give the wire between the two, whole, and mend it afterwards."""
    assert primary.process is not None
    wire = place.wires[0]
    yield wire
    wire.mend()


_numbers = itertools.count(1)


@pytest.fixture
def office(tmp_path: Path, place: Servers, primary: Server) -> Iterator[VaultOffice]:
    """Give an office in a database of its own, whose log has a record."""
    name = f"office_{next(_numbers)}"
    primary.ask(f"CREATE DATABASE {name}")
    url = place.url(primary).replace("/postgres?", f"/{name}?")
    office = VaultOffice(tmp_path, url, SYNCHRONOUS)
    office.tick()
    yield office
    office.close()


def _count(office: VaultOffice) -> int:
    """Count the petitions that are there to be seen, without waiting for anybody."""
    with office.vault.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(Petition)).scalar_one()


def _end(how: str) -> Callable[[Server], None]:
    def end(server: Server) -> None:
        server.ask(f"SELECT {how}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")  # noqa: S608  # a function of PostgreSQL's

    return end


def _crash(server: Server) -> None:
    server.stop(signal.SIGKILL)
    server.start()


@pytest.mark.parametrize("end", [_end("pg_cancel_backend"), _end("pg_terminate_backend"), _crash])
def test_a_petition_on_one_machine_only_is_not_signed_for(
    office: VaultOffice, primary: Server, wire: Wire, end: Callable[[Server], None]
) -> None:
    """Although it is there for all to see, it is signed for when the standby has it, too."""
    petition = seal_petition("first").to_bytes()
    wire.cut()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(office.vault.accept, petition)
        primary.wait_for(WAITING)
        end(primary)
        with pytest.raises(UnavailableError):
            first.result(PATIENCE)
        assert _count(office) == 1
        again = threads.submit(office.vault.accept, petition)
        primary.wait_for(WAITING)
        assert not again.done()
        wire.mend()
        assert isinstance(again.result(PATIENCE), Note)


def test_a_record_on_one_machine_only_is_not_signed(
    office: VaultOffice, primary: Server, wire: Wire
) -> None:
    """Neither by whoever committed it, nor by a sequencer that comes after and finds it there."""
    wire.cut()
    with ThreadPoolExecutor() as threads:
        record = threads.submit(office.epoch_store.commit_tick, 1, office.now)
        primary.wait_for(WAITING)
        _end("pg_cancel_backend")(primary)
        with pytest.raises(UnavailableError):
            record.result(PATIENCE)
        with office.vault.store.reading() as connection:
            assert connection.execute(select(LogHead.size)).scalar_one() == 2
        tick = threads.submit(office.tick)
        primary.wait_for(WAITING)
        assert not tick.done()
        assert _public_size(office) == 1
        wire.mend()
        tick.result(PATIENCE)
    assert _public_size(office) == 2


def _public_size(office: VaultOffice) -> int:
    checkpoint = office.vault.settings.log_folder / "checkpoint"
    return int(checkpoint.read_bytes().splitlines()[1])


def test_a_mirror_is_not_shown_what_a_failover_takes_back(
    office: VaultOffice, primary: Server, wire: Wire
) -> None:
    """Or it would hold an epoch that never was."""
    mirror = make_roster().member("mirror-1")
    wire.cut()
    with ThreadPoolExecutor() as threads:
        shown = threads.submit(lambda: office.vault.epochs(mirror, 0, 1, causes=False))
        primary.wait_for(WAITING)
        assert not shown.done()
        wire.mend()
        assert len(shown.result(PATIENCE)) == 1


def test_a_wait_that_ends_well_is_an_acceptance(office: VaultOffice, primary: Server) -> None:
    """The twin of all of these."""
    assert has_standby(office.vault.store)
    assert isinstance(office.vault.accept(seal_petition("first").to_bytes()), Note)


def _set(server: Server, setting: str) -> None:
    with server.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def changed(primary: Server) -> Iterator[None]:
    """Take back afterwards what was set."""
    yield
    with primary.connect() as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")
    primary.wait_for("SELECT current_setting('synchronous_standby_names') <> ''")
    primary.wait_for("SELECT current_setting('synchronous_commit') = 'on'")


SETTINGS = [
    ("synchronous_standby_names", "", "synchronous_standby_names is empty"),
    ("synchronous_commit", "local", "synchronous_commit is not on"),
    ("synchronous_commit", "remote_write", "synchronous_commit is not on"),
]


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize(("name", "value", "fault"), SETTINGS)
def test_a_server_that_stops_waiting_is_noticed_while_the_office_runs(
    office: VaultOffice, primary: Server, name: str, value: str, fault: str
) -> None:
    """Not only at the start: after a failover another server answers, with its own settings."""
    _set(primary, f"{name} = '{value}'")
    primary.wait_for(f"SELECT current_setting('{name}') = '{value}'")
    office.vault.store.close()  # a new connection has the new setting for certain
    with pytest.raises(UnavailableError):
        office.vault.accept(seal_petition("first").to_bytes())
    assert _count(office) == 0
    with pytest.raises(SettingsError, match=fault):
        check_durable(office.vault.store, SYNCHRONOUS)
    assert any(fault in sentence for sentence in _found(office, FAULT))


def _found(office: VaultOffice, state: str) -> list[str]:
    findings = examine(office.vault, office.now)
    return [finding.sentence for finding in findings if finding.state == state]


def test_the_doctor_sees_the_standby(office: VaultOffice) -> None:
    """The twin of the two below."""
    assert _found(office, FAULT) == _found(office, WARNING) == []
    assert "a standby is attached, and commits wait for it" in _found(office, GOOD)


@pytest.mark.usefixtures("changed")
def test_a_standby_that_nobody_waits_for_is_none(office: VaultOffice, primary: Server) -> None:
    """An asynchronous one may lack what was acknowledged; the doctor waits for neither."""
    _set(primary, "synchronous_standby_names = 'FIRST 1 (nobody)'")
    primary.wait_for("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'async'")
    (fault,) = _found(office, FAULT)
    assert fault.startswith("no synchronous standby is attached")


def test_who_may_not_see_the_standby_is_told_so(office: VaultOffice, primary: Server) -> None:
    """An account of the office's own needs a role for it."""
    primary.ask("CREATE ROLE clerk LOGIN")
    url = office.vault.settings.database
    store = Store(url.replace("//dengwen@", "//clerk@"), SYNCHRONOUS)
    assert has_standby(store) is None
    primary.ask("GRANT pg_monitor TO clerk")
    assert has_standby(store)
    store.close()


def test_several_hosts_are_asked_for_the_one_that_writes(place: Servers, primary: Server) -> None:
    """In whichever order they stand; a URL that would take any of them is refused."""
    standby = place.all[1]
    for pair in itertools.permutations((primary, standby)):
        store = Store(place.url(*pair), SYNCHRONOUS)
        with store.writing() as connection:
            assert not connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one()
        store.close()
    url = place.url(primary, standby)
    for wrong in ("", "&target_session_attrs=any"):
        with pytest.raises(SettingsError, match="read-write"):
            Store(url.replace("&target_session_attrs=read-write", wrong))


def test_a_server_that_only_reads_is_one_that_cannot_do_this_now(place: Servers) -> None:
    """An address that leads to a standby for a while is no crash."""
    store = Store(f"postgresql:{place.all[1].address}", SYNCHRONOUS)
    with store.reading() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    with pytest.raises(UnavailableError), store.writing() as connection:
        connection.execute(text("CREATE TABLE never (a INTEGER)"))
    store.close()


def test_a_server_that_is_cut_off_is_given_up(place: Servers, primary: Server) -> None:
    """In seconds, not in the hours that a kernel takes by itself; a URL may say otherwise."""
    for more, expected in (("", "4"), ("&keepalives_idle=9", "9")):
        store = Store(place.url(primary) + more)
        with store.reading() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            said = raw.info.get_parameters()
        assert said["keepalives_idle"] == expected
        assert said["tcp_user_timeout"] == "10000"
        store.close()


def test_of_two_primaries_one_acknowledges(tmp_path: Path) -> None:
    """
    A standby is promoted while the old primary lives, and comes back, and is asked first.

    Nothing is acknowledged by the one without a standby; and the office finds the other by itself
    as soon as the old one is gone for good.
    """
    with servers() as place:
        old = place.primary("a", **NAMES)
        new = place.standby("b", old)
        office = VaultOffice(tmp_path, place.url(old, new), SYNCHRONOUS)
        office.tick()
        office.accept("before")
        place.wires[0].cut()
        new.promote()
        with ThreadPoolExecutor() as threads:
            left = threads.submit(office.vault.accept, seal_petition("left behind").to_bytes())
            old.wait_for(WAITING)
            old.stop(signal.SIGKILL)
            with pytest.raises(UnavailableError):
                left.result(PATIENCE)
            waits = threads.submit(office.accept, "first")
            new.wait_for(WAITING)  # it has no standby either
            assert not waits.done()
            place.standby("c", new)
            waits.result(PATIENCE)
            old.start()
            office.vault.store.close()  # as a process does that starts now
            lost = threads.submit(office.vault.accept, seal_petition("second").to_bytes())
            old.wait_for(WAITING)
            assert not lost.done()
            old.stop(signal.SIGKILL)
            with pytest.raises(UnavailableError):
                lost.result(PATIENCE)
            for name in ("left behind", "second"):
                office.accept(name)
        assert _count(office) == 4
        assert _public_size(office) == 5
        office.close()

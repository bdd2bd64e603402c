"""Committing in groups: nobody waits for nothing, and nobody's error is another's."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select

from dengwen_vault.columns import Base
from dengwen_vault.database import Store
from dengwen_vault.errors import SecondManifestError, VaultError
from dengwen_vault.grouping import MAX_GROUP, Group
from dengwen_vault.models import Cause
from tests.patience import wait_until

THREADS = 24
A_MOMENT = 0.3  # seconds, from the call until somebody stands in line


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty database with its tables."""
    store = Store(f"sqlite:///{tmp_path / 'group.sqlite3'}")
    Base.metadata.create_all(store.engine)
    return store


def _writer(store: Store) -> Callable[[Sequence[str]], list[VaultError | None]]:
    def write(items: Sequence[str]) -> list[VaultError | None]:
        with store.writing() as connection:
            return [_write_one(connection, item) for item in items]

    return write


def _write_one(connection: Connection, item: str) -> VaultError | None:
    if item == "refused":
        return SecondManifestError("it is there")
    if item == "broken":
        raise OSError("the disk is full")
    row = {"hash": item.encode().ljust(32), "actor": "x", "note": b"x"}
    connection.execute(insert(Cause), row)
    return None


def _written(store: Store) -> set[bytes]:
    with store.reading() as connection:
        return set(connection.scalars(select(Cause.hash)))


def _run(
    group: Group[str], items: list[str], begun: list[str] | None = None
) -> list[BaseException | None]:
    """Commit the items, each in a thread of its own; return what each met."""
    begun = [] if begun is None else begun

    def commit(item: str) -> BaseException | None:
        begun.append(item)
        try:
            group.commit(item, order=item.encode())
        except (SecondManifestError, OSError) as error:
            return error
        return None

    with ThreadPoolExecutor(len(items)) as threads:
        return list(threads.map(commit, items))


@contextmanager
def _others_gather(store: Store, begun: list[str], count: int) -> Iterator[None]:
    """Keep the store busy until so many want to write, and a moment, so that they stand in line."""
    entered, go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.writing():
            entered.set()
            go.wait()

    def let_go() -> None:
        wait_until(lambda: len(begun) == count, lambda: begun)
        time.sleep(A_MOMENT)
        go.set()

    holder, timer = threading.Thread(target=hold), threading.Thread(target=let_go)
    holder.start()
    entered.wait()
    timer.start()
    yield
    holder.join()
    timer.join()


def _commits(store: Store) -> list[Connection]:
    """Return a list that grows with each commit."""
    commits: list[Connection] = []
    event.listen(store.engine, "commit", commits.append)
    return commits


def test_who_waits_for_the_same_disk_waits_once(store: Store) -> None:
    """Everything is committed, whoever leads, and in a few commits."""
    group: Group[str] = Group(_writer(store))
    items = [f"item {number:02}" for number in range(THREADS)]
    begun: list[str] = []
    with _others_gather(store, begun, len(items)):
        commits = _commits(store)
        assert _run(group, items, begun) == [None] * THREADS
    assert _written(store) == {item.encode().ljust(32) for item in items}
    assert len(commits) < THREADS


def test_an_item_that_is_refused_is_refused_alone(store: Store) -> None:
    """The others of its group are committed all the same, also equal ones."""
    group: Group[str] = Group(_writer(store))
    errors = _run(group, ["refused", "good", "refused", "refused"])
    assert [type(error) for error in errors] == [
        SecondManifestError,
        type(None),
        SecondManifestError,
        SecondManifestError,
    ]
    assert _written(store) == {b"good".ljust(32)}


def test_what_undoes_a_group_is_told_to_each_of_it(store: Store) -> None:
    """Nobody is told that something is on disk which is not."""
    group: Group[str] = Group(_writer(store))
    errors = dict(zip(("a", "broken", "z"), _run(group, ["a", "broken", "z"]), strict=True))
    assert isinstance(errors["broken"], OSError)
    written = _written(store)
    for item in ("a", "z"):
        assert (item.encode().ljust(32) in written) == (errors[item] is None)


def test_a_group_is_bounded(store: Store) -> None:
    """Who stands in line does not wait for a line without end."""
    group: Group[str] = Group(_writer(store))
    items = [f"item {number:03}" for number in range(3 * MAX_GROUP)]
    begun: list[str] = []
    with _others_gather(store, begun, len(items)):
        commits = _commits(store)
        assert _run(group, items, begun) == [None] * len(items)
    assert len(_written(store)) == len(items)
    assert len(commits) > 2  # one is that of the thread that kept the store busy

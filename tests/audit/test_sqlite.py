"""The small databases of witnesses and mirrors: what is committed, what is undone, what is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dengwen_audit.cosignature import Cosigner
from dengwen_audit.errors import UnavailableError
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.sqlite import Database
from dengwen_audit.witness import Witness
from dengwen_audit.witness_web import make_witness_app
from tests.audit.memory_log import ORIGIN, MemoryLog, cosigning_key

TABLE = "CREATE TABLE IF NOT EXISTS thing (value BLOB) STRICT"
ALL = "SELECT count(*) FROM thing"


def _fill(database: Database) -> None:
    """Let the file be as large as it may ever be."""
    (pages,) = database.row("PRAGMA page_count") or ()
    database.rows(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return an empty database."""
    database = Database(tmp_path / "database.sqlite", [TABLE])
    yield database
    database.close()


def test_a_full_disk_undoes_the_transaction_and_says_so(database: Database) -> None:
    """Nothing of it is left, and with space again the next one goes through."""
    _fill(database)
    with pytest.raises(UnavailableError), database.transaction() as connection:  # noqa: PT012
        connection.execute("INSERT INTO thing VALUES (x'00')")
        connection.execute("INSERT INTO thing VALUES (zeroblob(100000))")
    assert database.row(ALL) == (0,)
    database.rows("PRAGMA max_page_count = 1000000")
    with database.transaction() as connection:
        connection.execute("INSERT INTO thing VALUES (zeroblob(100000))")
    assert database.row(ALL) == (1,)


def test_any_other_error_undoes_the_transaction_too(database: Database) -> None:
    """Whoever fails within a transaction leaves nothing behind, and hears her own error."""
    with pytest.raises(KeyError), database.transaction() as connection:  # noqa: PT012
        connection.execute("INSERT INTO thing VALUES (x'00')")
        raise KeyError
    assert database.row(ALL) == (0,)


def test_a_witness_that_cannot_write_asks_to_come_back(tmp_path: Path) -> None:
    """The log reads 503 and asks again at its next tick; nothing was cosigned."""
    log = MemoryLog(20)
    key = cosigning_key("hill.example/witness", 7)
    witness = Witness(tmp_path / "w.sqlite", Cosigner(key), [log.key.verification_key], lambda: 1)
    witness._database.rows("PRAGMA query_only = ON")
    app = make_witness_app(witness)
    answer = app.test_client().post("/add-checkpoint", data=log.submission(0, 20))
    assert (answer.status_code, answer.content_type) == (503, PROBLEM_TYPE)
    assert int(answer.headers["Retry-After"]) > 0
    assert witness.latest(ORIGIN).size == 0
    witness.close()

"""The schema: what the revisions build is what the models say, and tells no order."""

import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, inspect, select, text

from dengwen_audit.statements.manifest import Part
from dengwen_keys.petition_file import first_bytes
from dengwen_vault.attachments import all_arrived
from dengwen_vault.blobs.local import LocalBlobs
from dengwen_vault.blobs.store import fetch
from dengwen_vault.columns import Base
from dengwen_vault.database import Store
from dengwen_vault.durability import find_faults
from dengwen_vault.errors import MissingBlobError, SettingsError, UnavailableError
from dengwen_vault.models import Attachment
from dengwen_vault.schema import Places, check_schema, migrate, migrate_back
from dengwen_vault.settings import NONE, SYNCHRONOUS
from tests.vault.office import seal_with_files

_OLD_PETITION = text(
    "INSERT INTO petition (case_id, signing_key, manifest, roster, day)"
    " VALUES (:case_id, :signing_key, :manifest, :roster, :day)"
)
_OLD_IN_LINE = text(
    "INSERT INTO pending_event (cause, actor, case_id, type, not_before, turn)"
    " VALUES (:cause, 'office', :case, 'petition.received', 0, 0)"
)
# Columns that are row ids: a random spot, and the number of a public record.
ROW_IDS = ("spot", "number")
# Where anything finer than a day could hide.
TIME_TYPES = ("TIMESTAMP", "DATETIME", "TIME", "INTERVAL", "DOUBLE", "FLOAT", "REAL", "NUMERIC")


def test_the_revisions_build_what_the_models_say(database_url: str, places: Places) -> None:
    """Nobody changes a model and forgets the databases that are there."""
    store = Store(database_url)
    migrate(store, places)
    migrate(store, places)
    check_schema(store)
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    store.close()


def _old_rows(store: Store) -> list[tuple[bytes, int, bytes]]:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT case_id, number, content FROM attachment"))
        return sorted((bytes(case), number, bytes(content)) for case, number, content in rows)


def _fill_old_database(store: Store, places: Places) -> list[tuple[bytes, int, bytes]]:
    """Make a database as it was before blobs, with two cases and three attachments."""
    migrate(store, places, "0001")
    stored = []
    for name in ("first", "second"):
        petition = seal_with_files(name)
        case, numbers = petition.manifest.case, (1, 2) if name == "first" else (2,)
        stored += [(bytes(case), n, petition.parts[f"attachment/{n}"]) for n in numbers]
        row = {
            "case_id": case,
            "signing_key": petition.manifest.signing_key,
            "manifest": petition.note.hash,
            "roster": petition.manifest.roster,
            "day": datetime.date(2025, 1, 10).isoformat(),
        }
        parts = petition.letter()[len(first_bytes(petition.note)) :]
        sealed = {"case_id": case, "manifest": petition.note.to_bytes(), "parts": parts}
        word = {"hash": hashlib.sha256(name.encode()).digest(), "note": name.encode()}
        with store.writing() as connection:
            connection.execute(_OLD_PETITION, row)
            connection.execute(
                text("INSERT INTO sealed_petition VALUES (:case_id, :manifest, :parts)"), sealed
            )
            connection.execute(text("INSERT INTO cause VALUES (:hash, 'office', :note)"), word)
            connection.execute(_OLD_IN_LINE, {"case": case, "cause": word["hash"]})
    with store.writing() as connection:
        for case_id, number, content in stored:
            connection.execute(
                text("INSERT INTO attachment VALUES (:case, :number, :content)"),
                {"case": case_id, "number": number, "content": content},
            )
    assert _old_rows(store) == sorted(stored)
    return stored


def test_attachments_move_into_blobs_and_none_is_lost(database_url: str, places: Places) -> None:
    """What lay in the database lies under its hash; the way back leads there, too."""
    store, blobs = Store(database_url), places.blobs
    stored = _fill_old_database(store, places)
    migrate(store, places)
    check_schema(store)
    with store.reading() as connection:
        rows = connection.execute(select(Attachment.case_id, Attachment.number)).all()
        arrived = list(all_arrived(connection, places.segments))
    named = {part.sha256 for part in arrived if isinstance(part, Part)}
    assert {(bytes(case), number) for case, number in rows} == {row[:2] for row in stored}
    assert named == set(blobs.names()) == {hashlib.sha256(row[2]).digest() for row in stored}
    for _, _, content in stored:
        assert fetch(blobs, hashlib.sha256(content).digest(), len(content)) == content
    migrate_back(store, places, "0001")
    assert _old_rows(store) == sorted(stored)
    migrate(store, places)
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    store.close()


class _FullBlobs(LocalBlobs):
    """A place in which there is room for one blob."""

    def put(self, data: bytes) -> bytes:
        if set(self.names()) - {hashlib.sha256(data).digest()}:
            raise UnavailableError("the folder of attachments cannot do this now")
        return super().put(data)


def test_a_move_that_does_not_end_has_moved_nothing(
    database_url: str, places: Places, tmp_path: Path
) -> None:
    """The database keeps all until all is durable elsewhere, and the next attempt succeeds."""
    store = Store(database_url)
    stored = _fill_old_database(store, places)
    with pytest.raises(UnavailableError):
        migrate(store, replace(places, blobs=_FullBlobs(tmp_path / "full")))
    assert _old_rows(store) == sorted(stored)
    with pytest.raises(SettingsError):
        check_schema(store)
    migrate(store, places)
    check_schema(store)
    store.close()


def test_a_way_back_without_the_blobs_is_not_gone(database_url: str, places: Places) -> None:
    """Nothing is put into the database that is not what the manifest names."""
    store = Store(database_url)
    _fill_old_database(store, places)
    migrate(store, places)
    with pytest.raises(MissingBlobError):
        migrate_back(store, replace(places, blobs=LocalBlobs(Path("nowhere"))), "0001")
    check_schema(store)
    store.close()


def test_no_table_has_a_counter_behind_its_keys(database_url: str, places: Places) -> None:
    """On SQLite a row id that SQLite gives would tell in which order petitions came."""
    store = Store(database_url)
    migrate(store, places)
    with store.reading() as connection:
        if store.is_sqlite:
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master")).all()
            tables = {name: sql for name, sql in rows if sql and sql.startswith("CREATE TABLE")}
            del tables["alembic_version"]
            assert tables.keys() == Base.metadata.tables.keys()
            counted = [name for name, sql in tables.items() if not _has_own_keys(name, sql)]
            assert counted == []
        else:
            assert connection.execute(text("SELECT * FROM pg_sequences")).all() == []
    store.close()


def _has_own_keys(name: str, sql: str) -> bool:
    """Tell whether a table of SQLite has no row ids, or they are a column that we fill."""
    key = Base.metadata.tables[name].primary_key.columns[0].name
    is_row_id = f"{key} INTEGER NOT NULL" in sql and f"PRIMARY KEY ({key})" in sql
    return sql.rstrip().endswith("WITHOUT ROWID") or (is_row_id and key in ROW_IDS)


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("epoch", "CREATE TABLE epoch (number BIGINT NOT NULL, PRIMARY KEY (number))"),
        ("petition", "CREATE TABLE petition (case_id BLOB NOT NULL, PRIMARY KEY (case_id))"),
    ],
)
def test_the_rule_about_counters_sees_what_it_should(name: str, sql: str) -> None:
    """A key that is only nearly a row id has a counter behind it."""
    assert not _has_own_keys(name, sql)
    assert _has_own_keys(name, f"{sql} WITHOUT ROWID")


def test_no_column_holds_anything_finer_than_a_day(database_url: str, places: Places) -> None:
    """There is no place in which the hour of a petition could be kept."""
    store = Store(database_url)
    migrate(store, places)
    inspector = inspect(store.engine)
    for table in Base.metadata.tables:
        for column in inspector.get_columns(table):
            name = str(column["type"]).upper()
            assert isinstance(column["type"], Boolean) or not name.startswith(TIME_TYPES), name
            assert column.get("default") is None
    store.close()


def test_the_database_waits_for_the_disk(database_url: str, places: Places) -> None:
    """What is called committed is; and a replica is asked for unless the settings say none."""
    store = Store(database_url)
    assert find_faults(store, NONE) == []
    with store.writing() as connection:
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
            assert connection.execute(text("PRAGMA secure_delete")).scalar_one() == 1
    with store.noting() as connection:
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 1  # NORMAL
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "off"
    faults = find_faults(store, SYNCHRONOUS)
    assert faults == [] if store.is_sqlite else len(faults) == 1
    store.close()


def test_an_error_of_the_database_does_not_repeat_what_was_written(database_url: str) -> None:
    """Logs may be read by more people than the database."""
    store = Store(database_url)
    assert store.engine.hide_parameters
    store.close()

"""The schema: what the revisions build is what the models say, and tells no order."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, inspect, text

from dengwen_vault.database import Store
from dengwen_vault.durability import find_faults
from dengwen_vault.models import Base
from dengwen_vault.schema import check_schema, migrate
from dengwen_vault.settings import NONE, SYNCHRONOUS

# Where anything finer than a day could hide.
TIME_TYPES = ("TIMESTAMP", "DATETIME", "TIME", "INTERVAL", "DOUBLE", "FLOAT", "REAL", "NUMERIC")


def test_the_revisions_build_what_the_models_say(database_url: str) -> None:
    """Nobody changes a model and forgets the databases that are there."""
    store = Store(database_url)
    migrate(store)
    migrate(store)
    check_schema(store)
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    store.close()


def test_no_table_has_row_ids_behind_its_keys(database_url: str) -> None:
    """On SQLite a hidden counter would tell in which order petitions came."""
    store = Store(database_url)
    migrate(store)
    if store.is_sqlite:
        with store.reading() as connection:
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master")).all()
        tables = {name: sql for name, sql in rows if sql and sql.startswith("CREATE TABLE")}
        del tables["alembic_version"]
        assert tables.keys() == Base.metadata.tables.keys()
        assert all(sql.rstrip().endswith("WITHOUT ROWID") for sql in tables.values())
    else:
        with store.reading() as connection:
            counters = connection.execute(text("SELECT * FROM pg_sequences")).all()
        assert counters == []
    store.close()


def test_no_column_holds_anything_finer_than_a_day(database_url: str) -> None:
    """There is no place in which the hour of a petition could be kept."""
    store = Store(database_url)
    migrate(store)
    inspector = inspect(store.engine)
    for table in Base.metadata.tables:
        for column in inspector.get_columns(table):
            name = str(column["type"]).upper()
            assert isinstance(column["type"], Boolean) or not name.startswith(TIME_TYPES), name
            assert column.get("default") is None
    store.close()


def test_the_database_waits_for_the_disk(database_url: str) -> None:
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

"""The databases that tests ask for are real, empty, and durable as a server's."""

import pytest
from sqlalchemy import create_engine, inspect, text


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_database_is_empty_each_time(database_url: str, turn: str) -> None:
    """What one test writes, no other test reads."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
        connection.execute(text("CREATE TABLE petition (turn TEXT NOT NULL)"))
        connection.execute(text("INSERT INTO petition VALUES (:turn)"), {"turn": turn})
    with engine.connect() as connection:
        assert connection.execute(text("SELECT turn FROM petition")).scalars().all() == [turn]
    engine.dispose()


@pytest.mark.postgres
def test_the_postgres_server_keeps_what_it_acknowledges(postgres_database_url: str) -> None:
    """Neither `fsync` nor `synchronous_commit` is off: tests of durability mean something."""
    engine = create_engine(postgres_database_url)
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(text(f"SHOW {setting}")).scalar_one() == "on"
    engine.dispose()

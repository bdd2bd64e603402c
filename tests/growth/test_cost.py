"""The short form of `make bench-growth`: an old office takes no more steps than a young one."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from bench.growth.steps import Cost, Steps, count_costs
from bench.growth.visit import Stage, visit
from dengwen_vault.models import Event, Petition

ROUNDS = 3
# How many times as much the old office may cost. Twenty times as many rows take one or two pages
# more on the way to each, and twenty times as many records make proofs longer.
MOST = Cost(steps=1.2, pages=3, written=1.5, calls=1.5)
# Beside that, what other threads of the process read, or a copy of SQLite's log into its file.
SLACK = Cost(steps=50, pages=20, written=20, calls=200)

Costs = dict[str, Cost]


def _cost_of(stage: Stage) -> Costs:
    return count_costs(stage.vault.store, ROUNDS, lambda: visit(stage))


def _grown(young: Costs, old: Costs) -> list[str]:
    """Return the questions that cost the old office more."""
    return [
        f"{name}: {before} to {old[name]}"
        for name, before in young.items()
        if any(
            now > most * then + slack
            for now, most, then, slack in zip(old[name], MOST, before, SLACK, strict=True)
        )
    ]


@pytest.mark.slow
def test_no_question_costs_more_in_an_old_office(young: Stage, old: Stage) -> None:
    """Intake, desk, status, opening and tick: each with as many steps at twenty times the age."""
    before, after = _cost_of(young), _cost_of(old)
    assert min(cost.steps for name, cost in before.items() if "public" not in name) > 0
    assert _grown(before, after) == []


def _count_petitions(stage: Stage) -> object:
    with stage.vault.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(Petition)).scalar_one()


def _look_for_a_hash(stage: Stage) -> object:
    with stage.vault.store.reading() as connection:
        return connection.scalar(select(Event.number).where(Event.hash == bytes(32)))


def _read_records(stage: Stage) -> object:
    size = stage.office.epoch_store.size()
    return [bytes(record) for record in stage.office.epoch_store.records(0, size)]


@pytest.mark.parametrize("plant", [_count_petitions, _look_for_a_hash, _read_records])
def test_a_question_that_reads_through_a_table_is_found(
    plant: Callable[[Stage], object], young: Stage, old: Stage
) -> None:
    """A count, a search without an index, a list without an end: each is told from the others."""
    before, after = (
        {"planted": Steps(stage.vault.store).cost(lambda: plant(stage))}  # noqa: B023  # called now
        for stage in (young, old)
    )
    (found,) = _grown(before, after)
    assert found.startswith("planted")


@pytest.mark.slow
def test_an_index_that_is_missing_is_found(young: Stage, old: Stage) -> None:
    """Whoever drops the events' index by epoch makes mirrors and ticks read all events."""
    for stage in (young, old):
        with stage.vault.store.writing() as connection:
            connection.execute(text("DROP INDEX ix_event_epoch"))
    try:
        grown = _grown(_cost_of(young), _cost_of(old))
    finally:
        for stage in (young, old):
            with stage.vault.store.writing() as connection:
                connection.execute(text("CREATE INDEX ix_event_epoch ON event (epoch)"))
    assert {name.partition(":")[0] for name in grown} == {"a mirror", "tick", "open"}

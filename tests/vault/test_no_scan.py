"""Nothing that grows with the vault is read through to answer one question."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from dengwen_audit.note import sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.statement import Statement
from tests.small_office import OFFICE, make_key, make_seed
from tests.vault.office import VaultOffice, seal_petition, words_of

# A row a month, one row, the newest events of at most 500 cases, already found by their keys, and
# SQLAlchemy's list without members.
SMALL = {"card", "roster", "log_head", "public_checkpoint", "newest", "CONSTANT", "(subquery-1)"}

Statements = list[tuple[str, Any]]


@contextmanager
def _watched(office: VaultOffice) -> Iterator[Statements]:
    """Collect every statement that is sent to the database."""
    seen: Statements = []

    def watch(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    engine = office.vault.store.engine
    event.listen(engine, "before_cursor_execute", watch)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", watch)


def _scans(office: VaultOffice, statement: str, parameters: Any) -> list[str]:  # noqa: ANN401
    """Return the tables that SQLite would read through for *statement*."""
    if statement.startswith(("INSERT", "PRAGMA")):
        return []
    one = parameters[0] if isinstance(parameters, list) else parameters
    with office.vault.store.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one).all()
    steps = [row[3].split(" ") for row in plan]
    return [step[1] for step in steps if step[0] == "SCAN" and step[1] not in SMALL]


def _desk(office: VaultOffice) -> None:
    manifest = office.accept("a case")
    reviewer, case = manifest.panel[0], manifest.case.hex()
    note = office.request_note(manifest)
    office.ask(reviewer, "/v1/requests", note.to_bytes())
    office.tick()
    for path in (
        "desk",
        f"cases/{case}/events",
        f"cases/{case}/parts/left",
        f"requests/{note.hash.hex()}",
    ):
        assert office.ask(reviewer, f"/v1/{path}").status_code == 200
    for path in ("work", f"work/{note.hash.hex()}"):
        assert office.ask("gatekeeper-1", f"/v1/{path}").status_code == 200
    assert office.ask("mirror-1", "/v1/epochs?from=0&to=9&causes=1").status_code == 200
    text = Statement(OFFICE, manifest.case, "case.recused").to_bytes()
    said = sign_note(text, make_key(reviewer)).to_bytes()
    assert office.ask(reviewer, "/v1/statements", said).status_code == 202


def _door(office: VaultOffice) -> None:
    petition, key = seal_petition("a case"), words_of("a case").signing_key()
    manifest = petition.manifest
    for _ in range(2):
        office.vault.accept(petition.to_bytes(), at_once=True)
        office.tick()
    assert office.vault.case_of(manifest.signing_key) == manifest.case
    office.vault.case_events(manifest.case)
    nonce = make_seed("nonce")
    challenge = Challenge(OFFICE, manifest.case, manifest.signing_key, manifest.mailbox, nonce)
    office.vault.post_challenge(manifest.case, sign_note(challenge.to_bytes(), key))
    office.vault.heads(manifest.case, nonce)
    text = Statement(OFFICE, manifest.case, "case.withdrawn").to_bytes()
    office.vault.post_case_statement(manifest.case, sign_note(text, key))
    assert office.ask("gatekeeper-1", "/v1/work").json()["challenges"]


@pytest.mark.parametrize("visit", [_desk, _door])
def test_every_question_is_answered_by_a_key_or_an_index(
    small_office: VaultOffice, visit: Callable[[VaultOffice], None]
) -> None:
    """From the first petition to the tick: SQLite's own plan of each statement says so."""
    with _watched(small_office) as seen:
        visit(small_office)
    assert len(seen) > 30
    found = {statement: _scans(small_office, statement, given) for statement, given in seen}
    assert {statement: tables for statement, tables in found.items() if tables} == {}

"""A way to type commands, and an office to type about."""

import dataclasses
import datetime
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dengwen_audit.cli.main import main
from dengwen_audit.statements.roster import Roster
from tests.audit.public_office import PublicOffice
from tests.small_office import make_card, make_roster, sign_by_roots

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type a command; return its exit code and what it said."""

    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dengwen-audit", *map(str, words)])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        assert isinstance(code, int)
        return code, said.out + said.err

    return run


def current_roster() -> Roster:
    """Return a roster that is valid on the day of the test."""
    today = datetime.datetime.now(datetime.UTC).date()
    day = datetime.timedelta(days=1)
    return dataclasses.replace(make_roster(), valid_from=today - day, valid_until=today + 20 * day)


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has ten records, signed a moment ago."""
    office = PublicOffice(tmp_path / "public", current_roster(), int(time.time()) - 600)
    office.tick(10)
    office.sign()
    return office


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Return the pinned card's file."""
    path = tmp_path / "card.txt"
    path.write_bytes(sign_by_roots(make_card().to_bytes()).to_bytes())
    return path

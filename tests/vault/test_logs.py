"""What a server says, and where it says less."""

import logging
from collections.abc import Iterator

import pytest

from dengwen_vault.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the logging of the tests as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    configure_logging()
    logging.getLogger("dengwen").info("GET /v1/case/events 2xx")
    logging.getLogger("dengwen").warning("something to look into")
    return [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]


def test_a_file_gets_each_answer_under_its_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line has a day and no hour."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert _said(capsys) == ["INFO GET /v1/case/events 2xx", "WARNING something to look into"]


def test_a_journal_does_not_get_what_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would put the microsecond beside it."""
    monkeypatch.setenv("JOURNAL_STREAM", "9:12345")
    assert _said(capsys) == ["WARNING something to look into"]

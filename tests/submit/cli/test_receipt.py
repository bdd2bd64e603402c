"""`dengwen-submit receipt`: a stranger checks one event with the card alone."""

from pathlib import Path

import pytest

from dengwen_audit.statements.manifest import Manifest
from tests.mangling import byte_flips
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Terminal

NAME = "receipt.tlog-proof"


@pytest.fixture
def stranger(standing_office: DoorOffice, standing_case: Manifest, terminal: Terminal) -> Terminal:
    """Give a terminal with a receipt and a card, without roster, proof or network."""
    (served,) = standing_office.vault.case_events(standing_case.case).events
    assert served.receipt is not None
    terminal.write(NAME, served.receipt)
    (terminal.folder / "office").mkdir()
    terminal.write("office/card.txt", standing_office.files().card)
    return terminal


def test_a_receipt_is_proven_offline(stranger: Terminal) -> None:
    """What happened, when, where in which log, and who vouches for it."""
    shown = stranger.run("receipt", NAME)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == (
        "Proven: The office received your petition.\n"
        "  event 1 of its case (petition.received), on 2025-01-10\n"
        "  record 1 of the log dengwen.example/log\n"
        "  vouched for by gatekeeper-1, gatekeeper-2, gatekeeper-3, mirror-1 on 2025-01-10\n"
    )
    assert stranger.files() == ["office/card.txt", NAME]


def test_a_receipt_can_be_read_in_chinese(stranger: Terminal) -> None:
    """The sentence is in the language that was asked for."""
    shown = stranger.run("receipt", NAME, "--language", "zh")
    assert shown.out.startswith("Proven: 受理机构已收到您的信访件。\n")


def test_a_changed_byte_is_found(stranger: Terminal) -> None:
    """Nobody can improve a receipt; one witness more or less is another matter."""
    receipt = (stranger.folder / NAME).read_bytes()
    needed, _, spare = receipt.partition("— gatekeeper-1 ".encode())
    for twin in list(byte_flips(needed))[::97]:
        stranger.write(NAME, twin + "— gatekeeper-1 ".encode() + spare)
        shown = stranger.run("receipt", NAME)
        assert (shown.code, shown.out) == (1, ""), twin
        assert shown.err.startswith("Not done: ")


@pytest.mark.parametrize("content", [b"", b"\xff", b"dengwen/receipt/v1\n"])
def test_what_is_no_receipt_is_refused(stranger: Terminal, content: bytes) -> None:
    """One sentence, no traceback."""
    stranger.write(NAME, content)
    shown = stranger.run("receipt", NAME)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Not done: ")


def test_without_a_card_nothing_is_proven(stranger: Terminal) -> None:
    """She is told how to fetch one."""
    (stranger.folder / "office/card.txt").unlink()
    shown = stranger.run("receipt", NAME)
    assert (shown.code, shown.out) == (1, "")
    assert "fetch one with `dengwen-submit card`" in shown.err


def test_a_damaged_card_proves_nothing(stranger: Terminal) -> None:
    """The pin is checked first."""
    path: Path = stranger.folder / "office/card.txt"
    path.write_bytes(path.read_bytes()[:-40])
    shown = stranger.run("receipt", NAME)
    assert (shown.code, shown.out) == (1, "")
    assert "the card cannot be used" in shown.err

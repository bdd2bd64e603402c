"""Signing an office into being: `card` and `roster`, each root keeper by itself."""

import dataclasses
from pathlib import Path

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.card import (
    Card,
    CardChainError,
    Root,
    RootThresholdError,
    check_card,
)
from dengwen_audit.statements.roster_rules import (
    NotInForceError,
    PanelError,
    RosterChainError,
    check_past_roster,
)
from dengwen_keys.cli.files import FileError
from dengwen_keys.cli.signing import NotASignerError
from dengwen_keys.errors import PassphraseError
from tests.keys.cli.people import (
    PASSPHRASE,
    current_roster,
    small_office_toml,
    type_command,
    write_key,
    write_passphrase,
    write_signed,
)
from tests.small_office import make_card, make_key, make_roster, replace_member, sign_by_roots

TYPED = f"{PASSPHRASE}\n"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """Return a folder with the office file, the signed card and the key files of two roots."""
    (tmp_path / "office.toml").write_text(small_office_toml(), encoding="utf-8")
    write_signed(tmp_path, "card.txt", make_card().to_bytes())
    write_passphrase(tmp_path)
    for name in ("root-a", "root-b"):
        write_key(tmp_path, name)
    return tmp_path


def test_two_root_keepers_sign_a_card_one_after_the_other(office: Path) -> None:
    """From what was written down to a card that verifies, on three machines without a network."""
    path = office / "new.txt"
    drafted = type_command("card", "draft", office / "office.toml", path)
    assert make_card().fingerprint in drafted
    assert path.read_bytes() == make_card().to_bytes()
    unsigned = type_command("card", "check", path)
    assert isinstance(unsigned.refusal, SignatureError)
    first = type_command("card", "sign", path, "--key", office / "root-a.key", keyboard=TYPED)
    assert "2 of 3: root-a (law-society), root-b (press-club), root-c (university)" in first
    assert "Signed by 1 of 2 that are needed: root-a" in first
    assert isinstance(type_command("card", "check", path).refusal, SignatureError)
    words = ("--key", office / "root-b.key", "--passphrase-file", office / "passphrase")
    assert "Signed by 2 of 2" in type_command("card", "sign", path, *words)
    checked = type_command("card", "check", path)
    assert checked.exit_code == 0
    assert "compare the fingerprint" in checked
    assert check_card(Note.parse(path.read_bytes()), None) == make_card()
    assert sorted(p.name for p in office.iterdir() if p.name.startswith(".")) == []


def test_what_is_signed_is_shown_before_the_passphrase_is_asked_for(office: Path) -> None:
    """A root keeper reads first."""
    path = office / "card.txt"
    shown = type_command("card", "sign", path, "--key", office / "root-b.key", keyboard="wrong\n")
    assert shown.output.index("fingerprint") < shown.output.index("Passphrase")
    assert isinstance(shown.refusal, PassphraseError)


def test_a_key_signs_once_and_a_strangers_not_at_all(office: Path) -> None:
    """The file stays as it was."""
    path = office / "card.txt"
    before = path.read_bytes()
    for name in ("root-a", "reviewer-1"):
        key = write_key(office, name)
        refused = type_command("card", "sign", path, "--key", key, keyboard=TYPED)
        assert isinstance(refused.refusal, NotASignerError)
    assert path.read_bytes() == before


def test_a_card_that_breaks_a_rule_is_neither_drafted_nor_signed(office: Path) -> None:
    """Nobody is brought to sign what no client would accept."""
    text = small_office_toml().replace("root-threshold = 2", "root-threshold = 1")
    (office / "bad.toml").write_text(text, encoding="utf-8")
    refused = type_command("card", "draft", office / "bad.toml", office / "bad.txt")
    assert isinstance(refused.refusal, RootThresholdError)
    assert not (office / "bad.txt").exists()
    bad = dataclasses.replace(make_card(), root_threshold=1).to_bytes()
    (office / "bad.txt").write_bytes(bad)
    refused = type_command(
        "card", "sign", office / "bad.txt", "--key", office / "root-a.key", keyboard=TYPED
    )
    assert isinstance(refused.refusal, RootThresholdError)
    assert (office / "bad.txt").read_bytes() == bad


def test_a_card_with_a_wrong_line_is_not_signed(office: Path) -> None:
    """A signature under somebody else's wrong one would vouch for the file."""
    path = office / "new.txt"
    note = sign_by_roots(make_card().to_bytes(), 1)
    wrong = dataclasses.replace(note.signatures[0], blob=note.signatures[0].blob[:-1] + b"x")
    path.write_bytes(Note(note.text, (wrong,)).to_bytes())
    refused = type_command("card", "sign", path, "--key", office / "root-b.key", keyboard=TYPED)
    assert isinstance(refused.refusal, SignatureError)


def test_the_next_card_is_drafted_signed_and_checked_with_the_one_before(office: Path) -> None:
    """It names the card before it, and the check asks for both thresholds."""
    text = small_office_toml().replace("tick = 60", "tick = 30")
    (office / "office.toml").write_text(text, encoding="utf-8")
    path, previous = office / "second.txt", ("--previous", office / "card.txt")
    type_command("card", "draft", office / "office.toml", path, *previous)
    assert Card.parse(path.read_bytes()).number == 2
    for name in ("root-a", "root-b"):
        words = ("--key", office / f"{name}.key", "--passphrase-file", office / "passphrase")
        type_command("card", "sign", path, *previous, *words)
    assert "The card verifies." in type_command("card", "check", path, *previous)
    again = type_command("card", "check", office / "card.txt", *previous)
    assert isinstance(again.refusal, CardChainError)


def test_two_root_keepers_sign_a_roster_and_it_is_in_force(office: Path) -> None:
    """From what was written down to a roster that verifies today."""
    path, card = office / "roster.txt", ("--card", office / "card.txt")
    drafted = type_command("roster", "draft", office / "office.toml", path, *card)
    assert "3 of 5: 1 trustee-1 (law-society), 2 trustee-2 (press-club)" in drafted
    assert path.read_bytes() == current_roster().to_bytes()
    for name in ("root-a", "root-b"):
        words = ("--key", office / f"{name}.key", "--passphrase-file", office / "passphrase")
        assert "Signed by" in type_command("roster", "sign", path, *card, *words)
    checked = type_command("roster", "check", path, *card)
    assert "The roster verifies and is in force today." in checked
    assert check_past_roster(Note.parse(path.read_bytes()), make_card()) == current_roster()


def test_a_roster_for_later_says_that_it_is_not_in_force(office: Path) -> None:
    """Root keepers may sign ahead of time."""
    path, card = office / "roster.txt", ("--card", office / "card.txt")
    draft = ("roster", "draft", office / "office.toml", path, *card)
    type_command(*draft, "--from", "2025-01-01")
    assert path.read_bytes() == make_roster().to_bytes()
    write_signed(office, "roster.txt", make_roster().to_bytes())
    checked = type_command("roster", "check", path, *card)
    assert isinstance(checked.refusal, NotInForceError)


def test_the_next_roster_says_what_changed(office: Path) -> None:
    """Whoever signs sees a new seat at once, and who came, went or was revoked."""
    first = make_roster()
    before = write_signed(office, "before.txt", first.to_bytes())
    changed = replace_member(first, "gatekeeper-2", address="https://elsewhere.example")
    revoked = dataclasses.replace(first.revoked[0], member="reviewer-5")
    second = dataclasses.replace(
        changed,
        version=2,
        previous=first.hash,
        members=tuple(m for m in changed.members if m.id != "water-board"),
        revoked=(*first.revoked, revoked),
    )
    path = office / "second.txt"
    path.write_bytes(second.to_bytes())
    words = ("--card", office / "card.txt", "--previous", before, "--key", office / "root-a.key")
    shown = type_command("roster", "sign", path, *words, keyboard=TYPED)
    assert "CHANGES HOLDERS OR A QUORUM" in shown
    assert "changed       gatekeeper-2" in shown
    assert "gone          water-board" in shown
    assert "newly revoked reviewer-5" in shown
    assert "Signed by 1 of 2" in shown
    skipping = dataclasses.replace(second, version=3)
    path.write_bytes(skipping.to_bytes())
    refused = type_command("roster", "sign", path, *words, keyboard=TYPED)
    assert isinstance(refused.refusal, RosterChainError)


def test_a_roster_may_follow_one_that_was_signed_under_another_card(office: Path) -> None:
    """After a change of root keepers the roster before is judged by the card of its time."""
    text = small_office_toml().replace("tick = 60", "tick = 30")
    (office / "office.toml").write_text(text, encoding="utf-8")
    roots = (*make_card().roots[1:], Root(make_key("root-d").verification_key, "notaries"))
    second = dataclasses.replace(
        make_card(), number=2, previous=make_card().hash, roots=roots, root_threshold=3
    )
    keys = [make_key(root.key.name) for root in (*make_card().roots, *second.roots)]
    note = sign_note(second.to_bytes(), *dict.fromkeys(keys))
    (office / "second.txt").write_bytes(note.to_bytes())
    before = write_signed(office, "before.txt", make_roster().to_bytes())
    files = (office / "office.toml", office / "roster.txt", "--card", office / "second.txt")
    words = ("roster", "draft", *files, "--previous", before)
    assert isinstance(type_command(*words).refusal, SignatureError)
    assert type_command(*words, "--previous-card", office / "card.txt").exit_code == 0


def test_a_roster_that_breaks_a_rule_is_neither_drafted_nor_signed(office: Path) -> None:
    """A panel of two is refused before anybody is asked."""
    text = small_office_toml().replace("panel = 3", "panel = 2")
    (office / "bad.toml").write_text(text, encoding="utf-8")
    path, card = office / "bad.txt", ("--card", office / "card.txt")
    refused = type_command("roster", "draft", office / "bad.toml", path, *card)
    assert isinstance(refused.refusal, PanelError)
    path.write_bytes(dataclasses.replace(make_roster(), panel_size=2).to_bytes())
    words = ("--key", office / "root-a.key")
    refused = type_command("roster", "sign", path, *card, *words, keyboard=TYPED)
    assert isinstance(refused.refusal, PanelError)


def test_a_draft_does_not_overwrite(office: Path) -> None:
    """A file that others signed is not replaced by a draft."""
    refused = type_command("card", "draft", office / "office.toml", office / "card.txt")
    assert isinstance(refused.refusal, FileError)


def test_a_card_that_was_not_signed_judges_no_roster(office: Path) -> None:
    """A roster is only as good as its card."""
    (office / "card.txt").write_bytes(make_card().to_bytes())
    path = write_signed(office, "roster.txt", make_roster().to_bytes())
    refused = type_command("roster", "check", path, "--card", office / "card.txt")
    assert isinstance(refused.refusal, SignatureError)

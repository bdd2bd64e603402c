"""What waits for a holder: all of it comes up, whatever must wait longer."""

import pytest

from dengwen_vault import work
from tests.small_office import make_roster, make_seed
from tests.vault.office import VaultOffice


def test_work_that_must_wait_keeps_no_other_work_back(
    small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few requests fit into an answer, each of them comes up sooner or later."""
    manifest = small_office.accept()
    asked = set()
    for nonce in ("one", "two", "three"):
        note = small_office.request_note(manifest, nonce=make_seed(nonce))
        small_office.vault.post_request(make_roster().member(manifest.panel[0]), note)
        asked.add(note.hash)
    small_office.tick()
    monkeypatch.setattr(work, "MAX_WORK", 1)
    gatekeeper = make_roster().member("gatekeeper-1")
    shown = {small_office.vault.work(gatekeeper).requests for _ in range(100)}
    assert shown == {(hash_,) for hash_ in asked}

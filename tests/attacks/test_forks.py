"""The operator tries to show different people different logs, or to go back to an older one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.log import LostRaceError, RestoredStoreError, Sequencer
from dengwen_audit.merkle import EMPTY_ROOT
from dengwen_audit.note import Note, sign_note
from dengwen_audit.publisher import FolderInUseError
from dengwen_audit.witness import hash_origin
from dengwen_audit.witness_client import IncidentError, WitnessAheadError
from dengwen_keys.gatekeeper.refusals import LogForked, NoQuorum
from dengwen_submit.errors import OfficeError
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.publication import OfficePublisher
from tests.patience import patient
from tests.small_office import make_key
from tests.town import TEXT, Town
from tests.town_office import OfficeHouse
from tests.town_operator import Operator
from tests.town_people import DESK, DOOR, MIRROR, OFFICE
from tests.town_wire import Answer


def fork(operator: Operator) -> OfficeHouse:
    """Open a second office on a copy, which from now on can say something else."""
    second = operator.second_office(operator.copy("fork"))
    second.open_aside()
    second.open_sequencer()
    return second


def publish_by_hand(second: OfficeHouse, *cosigned: Note) -> None:
    """Publish the newest records of an office under as many cosignatures as there are."""
    checkpoint = second.publisher.checkpoint()
    note = sign_note(checkpoint.to_bytes(), make_key(OFFICE))
    note = note.signed_by(*(line for other in cosigned for line in other.signatures[1:]))
    (record,) = VaultEpochStore(second.vault.store).records(checkpoint.size - 1, checkpoint.size)
    second.publisher.publish_checkpoint(note)
    second.publisher.publish_latest(note, record)


def shown_by(town: Town, name: str) -> Note:
    """Return what a gatekeeper's witness cosigned last."""
    witness = town.gatekeepers[name].witness
    return Note.parse(witness.checkpoint(hash_origin(OFFICE)))


def test_a_log_forked_before_one_gatekeeper_lacks_witnesses(town: Town, operator: Operator) -> None:
    """
    While gk-1 is cut off, the operator signs it a log of its own, with an unseen request in it.

    The others have cosigned the true log at that size, so the fork has one cosignature, and gk-1
    refuses. When the true log meets gk-1 again, there is proof that there were two.
    """
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    asked = town.request(reviewer, sealed)
    second = fork(operator)
    with town.away("gk-1"):
        town.tick()  # the others cosign that nothing happened
    second.vault.post_request(town.roster.member(reviewer), asked.note)
    with town.away("gk-2", "gk-3", MIRROR):
        assert not second.sequencer.tick()
    publish_by_hand(second, shown_by(town, "gk-1"))
    town.gatekeepers["gk-1"].session.mount(DOOR, second.door)
    town.gatekeepers["gk-1"].session.mount(DESK, second.desk)

    assert asked.hash in town.gatekeepers["gk-1"].daemon.desk.work().requests
    with pytest.raises(NoQuorum):
        town.gatekeepers["gk-1"].serve(asked.hash)
    assert not second.vault.request_state(town.roster.member(reviewer), asked.hash).answers
    with pytest.raises(IncidentError, match="gk-1 has cosigned another history"):
        town.tick()
    assert town.gatekeepers["gk-1"].witness.evidence()
    second.close()


def test_a_fork_is_not_cosigned_by_those_who_saw_the_true_log(
    town: Town, operator: Operator
) -> None:
    """Every witness is up: the second log stops with an incident, and the evidence is kept."""
    second = fork(operator)
    town.tick()
    with pytest.raises(IncidentError):
        second.sequencer.tick()
    second.close()

    assert all(house.witness.evidence() for house in town.houses)
    town.tick()


def test_a_petitioner_is_not_shown_a_fork(town: Town, operator: Operator) -> None:
    """A log under the office's signature alone, or with one witness, is no log to her client."""
    words, sealed = town.received()
    second = fork(operator)
    with town.away("gk-1"):
        town.tick()
    with town.away("gk-2", "gk-3", MIRROR):
        assert not second.sequencer.tick()
    publish_by_hand(second, shown_by(town, "gk-1"))

    town.session.mount(DOOR, second.door)
    with pytest.raises(OfficeError, match="latest proof cannot be used"):
        town.pinned()
    del town.session.adapters[DOOR]
    assert town.follow_up(words).entries[0].event.previous == sealed.note.hash
    second.close()


def test_a_cosigned_fork_is_seen_by_whoever_remembers(town: Town, operator: Operator) -> None:
    """
    Every witness loses its memory and cosigns the fork: gatekeepers and auditors remember.

    This takes a quorum of witnesses that collude or forget, and so is beyond what the log promises;
    it still does not go unseen.
    """
    _, sealed = town.received()
    assert town.asked_and_opened(sealed).petition.body == TEXT
    memory = town.visit().remember(None)
    second = fork(operator)
    town.tick()
    asked = town.ask(sealed.manifest.panel[1], sealed.manifest.case)
    memory = town.visit(memory).remember(memory)
    for house in town.houses:
        house.forget_as_witness()
    operator.replace_by(second)
    town.tick(3)
    later = town.request(sealed.manifest.panel[2], sealed)
    town.post(later)

    assert not town.shares(later)
    for house in town.gatekeepers.values():
        with pytest.raises(LogForked):
            house.serve(later.hash)
    (breach,) = town.visit(memory).breaches
    assert breach.startswith("FORK")
    assert asked.hash != later.hash


def test_an_older_database_is_not_continued(town: Town, operator: Operator) -> None:
    """A backup is restored beside newer public files: the sequencer says so, and signs nothing."""
    backup = operator.copy("backup")
    town.received()
    before, newest = town.checkpoint(), operator.copy("newest")
    town.office.close()
    for file in town.office.folder.glob("vault.sqlite3*"):
        file.unlink()
    shutil.copy(backup / "vault.sqlite3", town.office.folder)
    with pytest.raises(RestoredStoreError, match="restored from an older copy"):
        town.office.open()

    assert town.checkpoint() == before
    town.office.vault.close()
    for file in town.office.folder.glob("vault.sqlite3*"):
        file.unlink()
    for file in newest.glob("vault.sqlite3*"):
        shutil.copy(file, town.office.folder)
    town.office.open()
    town.tick()


def test_an_older_machine_is_not_continued(town: Town, operator: Operator) -> None:
    """Database and public files are both restored: the witnesses' memory tells, and none signs."""
    backup = operator.second_office(operator.copy("backup"))
    town.received()
    witnessed = {house.witness.latest(OFFICE) for house in town.houses}
    backup.open_aside()
    with pytest.raises(WitnessAheadError, match="restored from an older copy"):
        backup.open_sequencer()
    with town.away("gk-1", "gk-2", "gk-3", MIRROR):
        backup.open_sequencer()
        assert not backup.sequencer.tick()
    with pytest.raises(WitnessAheadError):
        backup.sequencer.tick()

    assert {house.witness.latest(OFFICE) for house in town.houses} == witnessed
    town.tick()
    backup.close()


def test_two_sequencers_do_not_share_a_folder(town: Town) -> None:
    """The second one on the same machine ends before it reads anything."""
    log_key = town.card.policy.log_key
    with pytest.raises(FolderInUseError):
        OfficePublisher(town.public, log_key, town.office.vault.store)
    town.tick()


def test_two_sequencers_never_sign_two_roots(town: Town) -> None:
    """The second one stalls before its commit while the first goes on: it has lost, and ends."""
    roots: dict[int, set[bytes]] = {}

    def look(checkpoint: Checkpoint) -> None:
        roots.setdefault(checkpoint.size, set()).add(checkpoint.root)

    def stall(step: str) -> None:
        if step == "commit":
            town.submit()
            town.tick()
            look(town.checkpoint())

    vault = town.office.vault
    publisher = OfficePublisher(town.folder / "elsewhere", town.card.policy.log_key, vault.store)
    second = Sequencer(
        VaultEpochStore(vault.store),
        publisher,
        make_key(OFFICE),
        town.card.policy,
        town.session,
        clock=town.clock,
        steps=stall,
    )
    patient(second).start()
    assert second.tick()  # what was public already, on the other machine too
    with pytest.raises(LostRaceError):
        second.tick()
    town.tick()
    for house in town.houses:
        look(house.witness.latest(OFFICE))
    look(town.checkpoint())

    assert len(roots) > 1
    assert all(len(found) == 1 for found in roots.values())
    second.close()
    publisher.close()


def test_a_checkpoint_with_another_root_is_refused_by_every_client(town: Town) -> None:
    """The operator signs another root for the newest size, under the cosignatures of the true."""
    note = Note.parse((town.public / "log/checkpoint").read_bytes())
    forged = replace(Checkpoint.parse(note.text), root=EMPTY_ROOT)
    lie = sign_note(forged.to_bytes(), make_key(OFFICE)).signed_by(*note.signatures[1:])

    def serve(answer: Answer) -> Answer:
        return replace(answer, body=lie.to_bytes()) if "checkpoint" in answer.path else answer

    with town.office.door.lying(serve):
        assert town.visit().breaches
    assert town.visit().is_clean

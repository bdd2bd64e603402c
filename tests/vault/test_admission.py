"""A crowd comes in by one commit, and each of it gets the answer that it would get alone."""

import pytest
from sqlalchemy import event, func, select

from dengwen_audit.note import Note
from dengwen_keys.sealing import seal
from dengwen_vault.admission import Arrival
from dengwen_vault.errors import SecondManifestError
from dengwen_vault.models import Petition
from tests.small_office import make_roster
from tests.vault.office import DRAFT, VaultOffice, seal_petition, words_of


def test_a_crowd_gets_the_answers_of_single_petitions(open_office: VaultOffice) -> None:
    """In its own order, whatever becomes of the neighbour."""
    first, second = seal_petition("first").to_bytes(), seal_petition("second").to_bytes()
    rival = seal(DRAFT, words_of("first"), make_roster()).to_bytes()
    broken = first[:-1] + bytes([first[-1] ^ 1])
    crowd = [Arrival(data, at_once=True) for data in (second, broken, first, first, rival)]
    answers = open_office.vault.accept_all(crowd)
    alone = [open_office.vault.accept(data) for data in (second, first, first)]
    assert [answers[0], answers[2], answers[3]] == alone
    assert not isinstance(answers[1], Note)
    assert isinstance(answers[4], SecondManifestError)
    assert open_office.rows()["petition"] == open_office.rows()["reception"] == 2


def test_a_crowd_is_one_commit(small_office: VaultOffice) -> None:
    """The price of a sync is shared."""
    commits: list[object] = []
    crowd = [Arrival(seal_petition(f"of {number}").to_bytes()) for number in range(8)]
    event.listen(small_office.vault.store.engine, "commit", commits.append)
    answers = small_office.vault.accept_all(crowd)
    assert all(isinstance(answer, Note) for answer in answers)
    assert len(commits) == 2  # one of them only read what is in force


def test_an_answer_is_given_after_the_commit(small_office: VaultOffice) -> None:
    """When the disk fails nobody is told that a petition is safe."""

    def fail(_connection: object) -> None:
        raise OSError("the disk is full")

    event.listen(small_office.vault.store.engine, "commit", fail)
    with pytest.raises(OSError, match="full"):
        small_office.vault.accept_all([Arrival(seal_petition().to_bytes())])
    event.remove(small_office.vault.store.engine, "commit", fail)
    with small_office.vault.store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(Petition)) == 0


def test_a_crowd_of_nonsense_writes_nothing(small_office: VaultOffice) -> None:
    """Every refusal is its own, and no transaction that writes is begun."""
    answers = small_office.vault.accept_all([Arrival(b""), Arrival(b"x" * 40_000)])
    assert not any(isinstance(answer, Note) for answer in answers)
    assert small_office.rows()["petition"] == 0

"""The short form of several machines: four doors, and a sequencer that another one succeeds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dengwen_vault.models import Petition
from tests.faults.several import DOORS, Several, several_machines
from tests.patience import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
MOST = 15  # times as long as a record takes, until the next sequencer has made one


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    """Give an office under load on four machines."""
    with several_machines(tmp_path_factory.mktemp("house"), seed=12) as found:
        yield found


def test_the_next_sequencer_goes_on_from_another_machine(several: Several) -> None:
    """It has every file of the log, waits, and is at work as soon as the first is killed."""
    storm = several.storm
    several.settle()
    several.all_show(storm.size)
    first = several.at_work
    pace = several.pace()
    assert several.lose_sequencer() <= MOST * pace
    assert several.at_work != first
    storm.house.up(first)
    several.all_show(storm.size + 2)
    assert several.at_work != first, "who was killed waits when it is back"
    storm.judge.judge(finally_=True)
    assert not storm.house.ended
    for name in DOORS:
        assert "POST /v1/petitions 2xx" in storm.house.said(name), f"{name} had nothing to do"


def test_one_petition_at_four_doors_is_one_petition(several: Several) -> None:
    """Sent to all of them in the same moment, it is signed for by each, in the same words."""
    office = several.storm.house.office
    sent = several.storm.load.seal(random.Random(1)).sealed

    def send(port: int) -> requests.Response:
        return requests.post(
            f"http://127.0.0.1:{port}/v1/petitions", sent.letter(), timeout=PATIENCE
        )

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(send, office.ports.doors))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert several.storm.judge.count(Petition, Petition.case_id == sent.manifest.case) == 1

"""Disks that are full or broken: refused politely, nothing acknowledged lost, and all goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from tests.faults.disks import NoDiskError, fill, free, small_disk
from tests.faults.storm import Storm
from tests.patience import PATIENCE
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow
SIZE = "128m"
PLACES = ("vault", "vault/public", "vault/blobs", "data-gk-1", f"data-{MIRROR}")
GO_ON = ("data-gk-1", "vault/blobs")  # without these the log grows all the same


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office whose folders lie on small disks."""
    folder = tmp_path_factory.mktemp("house")
    with ExitStack() as stack:
        try:
            for place in PLACES:
                stack.enter_context(small_disk(folder / place, SIZE))
        except NoDiskError as reason:
            pytest.skip(str(reason))
        yield stack.enter_context(Storm(folder, seed=8))


def _post(storm: Storm) -> requests.Response:
    """Send one petition and return the answer, whatever it is."""
    sent = storm.load.seal(random.Random())
    url = f"{storm.house.office.card.door}/v1/petitions"
    return requests.post(url, sent.sealed.letter(), timeout=PATIENCE)


def _until_refused(storm: Storm) -> requests.Response:
    """Send petitions until one is refused: what SQLite has already made room for is still used."""
    deadline = time.monotonic() + PATIENCE
    while (answer := _post(storm)).ok:
        assert time.monotonic() < deadline, "the disk is never full"
    return answer


def _refused_politely(answer: requests.Response) -> None:
    assert answer.status_code == requests.codes.service_unavailable, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk_loses_nothing_and_all_goes_on_with_space(storm: Storm, place: str) -> None:
    """Whichever disk is full, what was promised is kept, and nobody has to repair anything."""
    storm.load.go()
    storm.grow(1)
    disk = storm.house.office.folder / place
    fill(disk)
    if place == "vault":
        _refused_politely(_until_refused(storm))
    if place not in GO_ON:
        storm.stands_still(lambda: storm.size)
    if place == "vault":
        storm.stands_still(lambda: len(storm.load.accepted))
    if place == "vault/blobs":
        storm.stands_still(lambda: len(storm.load.attached))
    ended = {who for who, _ in storm.house.ended}
    assert ended <= {"sequencer"}, "only the log's own process ends, and is started again"
    free(disk)
    storm.house.ended.clear()
    storm.grow(2)
    storm.judge.judge()

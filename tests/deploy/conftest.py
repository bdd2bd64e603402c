"""An office behind nginx, in one process for the tests of a module."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dengwen_vault.web import create_desk
from tests.crowd.open_door import OpenDoor, open_door
from tests.deploy.front import Behind, Front, open_front
from tests.small_office import make_card
from tests.submit.loopback import on_loopback
from tests.vault.office import VaultOffice


@dataclass(frozen=True)
class Fronted:
    """An office with its door open, and nginx before it."""

    door: OpenDoor
    behind: Behind
    front: Front


@contextlib.contextmanager
def open_desk(office: VaultOffice) -> Iterator[int]:
    """Serve the office's desk; give its port."""
    with on_loopback(create_desk(office.vault, office.clock)) as port:
        yield port


@contextlib.contextmanager
def open_fronted(folder: Path) -> Iterator[Fronted]:
    """Open a new office's door and desk behind nginx."""
    with open_door(folder) as door, open_desk(door.office) as desk:
        behind = Behind(door.port, desk, door.office.vault.public_folder, make_card().tick)
        with open_front(behind) as front:
            yield Fronted(door, behind, front)


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """Give an office behind nginx, the same to every test of a module."""
    with open_fronted(tmp_path_factory.mktemp("office")) as fronted:
        yield fronted


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, which plays both sides, open enough sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

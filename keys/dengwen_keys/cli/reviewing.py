"""What the reviewer's three commands share: who asks, and by which way to the office."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from dengwen_keys.cli.files import read_card, read_keys
from dengwen_keys.reviewer import Reviewer


@dataclass(frozen=True)
class Outside:
    """
    What a command reaches beyond its files; who runs it from a program may give another.

    Attributes:
        session: The way to the office.
        clock: Gives seconds since 1970.
    """

    session: requests.Session
    clock: Callable[[], float] = time.time


@contextlib.contextmanager
def as_reviewer(
    given: Outside | None, card_path: Path, key_path: Path, passphrase_file: Path | None
) -> Iterator[Reviewer]:
    """Read card and keys, and give the client of the reviewer whose keys they are."""
    card = read_card(card_path)
    keys = read_keys(key_path, passphrase_file)
    if given is not None:
        yield Reviewer(card, keys, given.session, given.clock)
        return
    with requests.Session() as session:
        yield Reviewer(card, keys, session, time.time)

"""What the reviewer's three commands share: who asks, and by which way to the office."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import requests

from dengwen_keys.cli.files import read_card, read_keys
from dengwen_keys.reviewer import Reviewer


def open_session(
    given: requests.Session | None,
) -> contextlib.AbstractContextManager[requests.Session]:
    """Return a new HTTP session, or the one that whoever calls the command has *given*."""
    return contextlib.nullcontext(given) if given is not None else requests.Session()


def make_reviewer(
    card_path: Path, key_path: Path, passphrase_file: Path | None, session: requests.Session
) -> Reviewer:
    """Read card and keys, and return the client of the reviewer whose keys they are."""
    card = read_card(card_path)
    return Reviewer(card, read_keys(key_path, passphrase_file), session, time.time)

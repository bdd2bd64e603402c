"""Options and questions that several commands share, and what they need of the world outside."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import requests

from dengwen_keys.words import Words
from dengwen_submit.door_client import DoorClient
from dengwen_submit.office import Office, OfficeFiles, check_pinned
from dengwen_submit.pinning import fetch_office
from dengwen_submit.sentences import spoken
from dengwen_submit.session import open_session

office_option = click.option(
    "--office",
    "office_folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("office"),
    show_default=True,
    help="The folder that `dengwen-submit card` wrote.",
)
words_option = click.option(
    "--words-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the receipt words from a file instead of asking for them.",
)
proxy_option = click.option(
    "--proxy",
    help="Go through a proxy, such as socks5h://127.0.0.1:9050 for Tor.",
)
at_once_option = click.option(
    "--at-once",
    is_flag=True,
    help="Enter the log now: it shows the minute at which you sent. Otherwise a random time "
    "within the next hour.",
)
language_option = click.option(
    "--language", default="en", show_default=True, help="The language of the answer: en or zh."
)


@dataclass(frozen=True)
class Surroundings:
    """
    What commands need of the world outside.

    Attributes:
        clock: Gives seconds since 1970.
        sleep: Waits for so many seconds.
        open_session: Returns an HTTP session that goes through a proxy, or through none.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    open_session: Callable[[str | None], requests.Session] = open_session


pass_surroundings = click.make_pass_decorator(Surroundings, ensure=True)


def pinned_office(folder: Path, session: requests.Session, now: float) -> Office:
    """
    Return the pinned office as its door shows it now; it may be old, but never older than held.

    Nothing is written: what lies in the folder says nothing of when somebody looked at a case.
    """
    held = OfficeFiles.read(folder)
    door = DoorClient(check_pinned(held.card).door, session)
    return fetch_office(door, held, now)[1]


def ask_words(words_file: Path | None) -> Words:
    """Read the receipt words from a file, or ask for them without showing them."""
    if words_file is not None:
        return Words.parse(words_file.read_text(encoding="utf-8", errors="replace"))
    text: str = click.prompt("Receipt words (not shown)", hide_input=True)
    return Words.parse(text)


def answer_in(language: str) -> str:
    """Return the language of the tables in which to answer, as far as the output can show it."""
    return spoken(language, getattr(sys.stdout, "encoding", None))

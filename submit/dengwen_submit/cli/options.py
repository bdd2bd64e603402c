"""Options and questions that several commands share."""

from __future__ import annotations

import time
from pathlib import Path

import click
import requests

from dengwen_keys.words import Words
from dengwen_submit.office import Office, OfficeFiles, check_office

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


def load_office(folder: Path) -> Office:
    """Read and check the pinned office."""
    return check_office(OfficeFiles.read(folder), time.time())


def ask_words(words_file: Path | None) -> Words:
    """Read the receipt words from a file, or ask for them without showing them."""
    if words_file is not None:
        return Words.parse(words_file.read_text(encoding="utf-8"))
    text: str = click.prompt("Receipt words (not shown)", hide_input=True)
    return Words.parse(text)


def open_session(proxy: str | None) -> requests.Session:
    """Return an HTTP session that keeps no cookies, says no program name and obeys *proxy*."""
    session = requests.Session()
    session.headers["User-Agent"] = ""
    session.trust_env = proxy is None
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    return session

"""
Handing the receipt words over: once, to the person alone.

They are shown, or written to a new file that only its owner may read; never both, and nowhere else.
The same words can be written in three scripts, so a terminal that cannot show one shows another.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from dengwen_keys.words import Language, Words
from dengwen_submit.sentences import line

ASKED_BACK = (3, 9)  # numbers of words
TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


def word_list(language: str, encoding: str | None) -> Language:
    """
    Return the word list for whoever writes in *language*, if *encoding* can show it.

    Args:
        language: A tag in small letters, such as ``zh`` or ``zh-hant``.
        encoding: Of the terminal or file that the words go to.
    """
    code, *parts = language.split("-")
    if code != "zh":
        return "english"
    chosen: Language = "chinese_simplified"
    if TRADITIONAL.intersection(parts):
        chosen = "chinese_traditional"
    try:
        "词詞".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "english"
    return chosen


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """
    Create a file that only its owner may read, and write it whole or leave none behind.

    Raises:
        FileExistsError: If something is there already; it is left alone.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def write_words(words: Words, language: str, file: BinaryIO) -> None:
    """Write the words into a file, in the script of this *language*."""
    file.write(f"{words.to_text(word_list(language, 'utf-8'))}\n".encode())
    file.flush()


def show_words(words: Words, language: str, spoken: str) -> None:
    """
    Show the words, and ask for two of them back where somebody can answer.

    Args:
        language: Of the petition; it chooses the script.
        spoken: The language of the lines around the words.
    """
    text = words.to_text(word_list(language, getattr(sys.stdout, "encoding", None)))
    spelt: list[str] = text.split()
    click.echo(f"\n{line(spoken, 'words')}\n")
    for number, word in enumerate(spelt, start=1):
        click.echo(line(spoken, "word", number=number, word=word))
    click.echo(f"\n{line(spoken, 'power')}")
    if sys.stdin.isatty():
        for number in ASKED_BACK:
            _ask_back(number, spelt[number - 1], spoken)
        click.clear()


def _ask_back(number: int, word: str, spoken: str) -> None:
    question = line(spoken, "type-word", number=number)
    while str(click.prompt(question)).strip().lower() != word:
        click.echo(line(spoken, "wrong-word"))

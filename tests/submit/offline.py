"""A person who seals without a network, with an office that she fetched before."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from tests.submit.office_files import FilesRecipe
from tests.submit.terminal import Shown, Terminal
from tests.vault.office import NOON

TEXT = "The dam above the village leaks.\n\n水库大坝渗水。\n"
IDENTITY = 'name = "李秀英"\ncontact = "+86 10 5550 1234"\naddress = """北京市\n朝阳区"""\n'
OFFICE_FILES = ["office/card.txt", "office/latest.tlog-proof", "office/roster.txt"]
WORD = re.compile(r"^ +\d+\. (\S+)\r?$", re.MULTILINE)


class Offline(Terminal):
    """A terminal with a pinned office and a text to seal, and no network."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        FilesRecipe().make().write(folder / "office")
        self.write("petition.md", TEXT)
        self.set_clock(NOON)

    def set_clock(self, now: float) -> None:
        """Let it be *now*, in seconds since 1970."""
        self.surroundings = dataclasses.replace(self.surroundings, clock=lambda: now)

    def seal(self, *options: str, out: str = "my.petition") -> Shown:
        """Seal the text, anonymously unless *options* name an identity."""
        who = () if "--identity" in options else ("--anonymous",)
        return self.run("seal", "petition.md", *who, "--out", out, *options)

    def sealed(self, name: str = "my.petition") -> SealedPetition:
        """Return what was sealed."""
        return SealedPetition.parse((self.folder / name).read_bytes())


def shown_words(shown: str) -> Words:
    """Return the receipt words that were shown."""
    return Words.parse(" ".join(WORD.findall(shown)))

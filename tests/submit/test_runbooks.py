"""What the runbooks of petitioners and reviewers tell to type can be typed, and is all there is."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dengwen_keys import request_folder
from dengwen_keys.cli.main import group as keys
from dengwen_submit.cli.main import group as submit

ROOT = Path(__file__).parents[2]
GROUPS = {"dengwen-submit": submit, "dengwen-keys": keys}
PAGES = ("petitioner", "reviewer")
FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"`(--[a-z-]+)[` ]")
ROW = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
HERS = ("card", "seal", "send", "status", "receipt", "withdraw")


def _page(name: str) -> str:
    return (ROOT / "docs" / "runbooks" / f"{name}.md").read_text(encoding="utf-8")


def _typed(name: str) -> Iterator[list[str]]:
    """Go through the command lines of a page."""
    for block in FENCE.findall(_page(name)):
        for line in block.splitlines():
            yield shlex.split(line)


def _find(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command of a line, and what is typed after its name."""
    command: click.Command = GROUPS[words[0]]
    rest = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, words
        command, rest = found, rest[1:]
    return command, rest


def _options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name[0] == "-"}


@pytest.mark.parametrize("page", PAGES)
def test_every_line_can_be_typed(page: str) -> None:
    """Each command takes the options and the number of arguments that it is shown with."""
    lines = list(_typed(page))
    assert lines
    for words in lines:
        command, rest = _find(words)
        parser = command.make_parser(click.Context(command))
        values, left, _ = parser.parse_args(args=list(rest))
        assert left == [], words
        required = {p.name for p in command.params if p.required}
        assert required <= values.keys(), words
        given = {word for word in rest if word.startswith("--")}
        assert given <= _options(command), words


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_speaks_of_is_there(page: str) -> None:
    """An option that was renamed takes its sentence along."""
    known = set().union(*(_options(_find(words)[0]) for words in _typed(page))) | {"--help"}
    assert set(OPTION.findall(_page(page))) <= known


def test_the_petitioners_page_speaks_of_every_option() -> None:
    """Nothing that she could type is left to be found by chance."""
    text = _page("petitioner")
    for name in HERS:
        for option in _options(_find(["dengwen-submit", name])[0]):
            assert option in text, (name, option)


def test_the_petitioners_page_shows_every_command_of_hers() -> None:
    """And the one that is not hers is on the operator's page."""
    shown = {words[1] for words in _typed("petitioner")}
    assert shown == set(HERS)
    listed = submit.list_commands(click.Context(submit))
    assert set(listed) - shown == {"serve"}


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_that_is_explained_is_one_that_is_given(page: str) -> None:
    """Each sentence of the table stands in the code, word by word."""
    sources = [path for floor in ("keys", "submit") for path in (ROOT / floor).rglob("*.py")]
    code = " ".join(path.read_text(encoding="utf-8") for path in sources)
    joined = re.sub(r'"\s+f?"', "", code)
    rows = ROW.findall(_page(page))
    assert len(rows) > 15
    assert [row for row in rows if row not in joined] == []


def test_the_reviewers_page_speaks_of_files_that_are_written() -> None:
    """What is named in a folder is what `open` puts there."""
    named = set(re.findall(r"`([a-z-]+\.(?:txt|md|age))`", _page("reviewer")))
    assert named == {request_folder.EXCLUSIONS, request_folder.PETITION}
    assert f"`{request_folder.ATTACHMENTS}`" in _page("reviewer")

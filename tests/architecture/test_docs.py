"""The documents tell no other story than the code: words, links and numbers are compared."""

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dengwen_audit import epoch, event, http_signature
from dengwen_audit.statements import card, fields, manifest, member, request, roster_rules
from dengwen_keys import contents, context, keyfile, padding, petition_file, shamir, words
from dengwen_submit import office
from dengwen_vault import epoch_store, settings
from dengwen_vault.models import Petition
from tests.architecture.tree import PACKAGE_FOLDERS, ROOT, files, read

GLOSSARY = "docs/glossary.md"
KEYS = "docs/keys.md"
LIMITATIONS = "docs/limitations.md"

TYPE_LINE = re.compile(r"dengwen/[a-z-]+/v[0-9]+")
ENTRY = re.compile(r"^- (?:\*\*(.+?)\*\*|`(.+?)`): (.+)$")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
CLASS = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`")
MODULE = re.compile(r"`(dengwen_[a-z]+(?:\.[a-z_]+)*)`")
DEFINITION = re.compile(r"^class (\w+)", re.MULTILINE)
INDEXED = re.compile(r"^\| \[[^]]+\]\(([a-z0-9-]+\.md)\) \|", re.MULTILINE)
CITED = re.compile(r"\bdocs/[a-z0-9/-]+\.md\b")
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)

# What a page says of a constant, with the constant in it.
NUMBERS = {
    "the longest petition": (
        LIMITATIONS,
        f"| petition text, with its header lines | {contents.MAX_PETITION_BYTES:,} bytes |",
    ),
    "the longest identity": (LIMITATIONS, f"| identity | {contents.MAX_IDENTITY_BYTES:,} bytes |"),
    "attachments": (LIMITATIONS, f"| attachments to a petition | {manifest.MAX_ATTACHMENTS} |"),
    "a post": (LIMITATIONS, f"| one post to the door | {petition_file.MAX_LETTER_BYTES:,} bytes |"),
    "a letter": (
        "docs/formats/sealed-petition.md",
        f"No letter is longer than {petition_file.MAX_LETTER_BYTES:,} bytes",
    ),
    "the allowance": (LIMITATIONS, f"says otherwise | {settings.DEFAULT_ALLOWANCE:,} bytes |"),
    "the greatest allowance": (
        LIMITATIONS,
        f"| the same, at most | {settings.MAX_ALLOWANCE:,} bytes |",
    ),
    "a sealed file": (LIMITATIONS, f"client seals | {petition_file.MAX_FILE_BYTES:,} bytes,"),
    "exclusions": (LIMITATIONS, f"| exclusions | {context.MAX_EXCLUSIONS} |"),
    "panel": (
        LIMITATIONS,
        f"| panel | {roster_rules.MIN_PANEL} to {fields.MAX_PANEL} reviewers |",
    ),
    "seats": (LIMITATIONS, f"| seats of one kind of holder | {fields.MAX_SEATS} |"),
    "root keys": (LIMITATIONS, f"| root keys | {card.MIN_ROOTS} to {card.MAX_ROOTS} |"),
    "validity of a roster": (
        LIMITATIONS,
        f"| validity of a roster | {roster_rules.MAX_VALIDITY.days} days |",
    ),
    "events in one tick": (
        LIMITATIONS,
        f"| events in one tick; the rest wait for the next | {epoch_store.MAX_EVENTS:,} |",
    ),
    "a record": (
        LIMITATIONS,
        f"| length of every record of the log | {epoch.RECORD_SIZE} bytes |",
    ),
    "age of a proof": (LIMITATIONS, f"client accepts | {office.MAX_PROOF_AGE:,} seconds |"),
    "smallest attachment": (
        LIMITATIONS,
        f"larger than the file, or {padding.ATTACHMENT_BUCKETS[0] >> 10} KiB",
    ),
    "memory for a passphrase": (KEYS, f"Argon2id, {keyfile.STANDARD_COST.memory_kib >> 10} MiB"),
    "passes for a passphrase": (KEYS, f"MiB, {keyfile.STANDARD_COST.passes} passes, "),
    "receipt words": (
        KEYS,
        f"| {words.ENTROPY_SIZE} bytes, spelt as {words.WORD_COUNT} words |",
    ),
    "share": (KEYS, f"| {shamir.SHARE_SIZE} bytes; the last one is the seat |"),
    "exclusion tag": (KEYS, f"| first {context.TAG_SIZE} bytes of HMAC(x, code) |"),
    "signed call": (KEYS, f"time within {http_signature.MAX_SKEW} seconds"),
}


def _pages() -> list[Path]:
    return [
        path
        for path in files()
        if path.suffix == ".md" and (path.parts[0] == "docs" or path == Path("README.md"))
    ]


def _sections() -> dict[str, list[str]]:
    """Return the entries of the glossary, section by section."""
    sections: dict[str, list[str]] = {}
    for line in read(GLOSSARY).splitlines():
        if line.startswith("## "):
            sections[line.removeprefix("## ")] = []
        elif match := ENTRY.match(line):
            sections[list(sections)[-1]].append(match[1] or match[2])
    return sections


def _words() -> set[str]:
    return {word for section in _sections().values() for word in section}


def _groups() -> Iterator[tuple[str, click.Group]]:
    """Find the command group behind each command that the distribution installs."""
    scripts: dict[str, str] = tomllib.loads(read("pyproject.toml"))["project"]["scripts"]
    for name, target in scripts.items():
        module, _, function = target.partition(":")
        main = getattr(importlib.import_module(module), function)
        home = importlib.import_module(main.__module__) if main.__module__ else main
        groups = [value for value in vars(home).values() if isinstance(value, click.Group)]
        yield name, main if isinstance(main, click.Group) else groups[0]


def _commands(name: str, command: click.Command) -> Iterator[str]:
    """Go through a command and all below it, by the words that are typed."""
    yield name
    if isinstance(command, click.Group):
        frame = click.Context(command)
        for word in command.list_commands(frame):
            below = command.get_command(frame, word)
            assert below is not None
            yield from _commands(f"{name} {word}", below)


def _typed_in(page: Path) -> list[str]:
    """Return the lines of a page's examples that begin with one of our commands."""
    examples = "\n".join(match[0] for match in FENCE.finditer(read(page)))
    return [line for line in examples.splitlines() if line.startswith("dengwen-")]


def _check_typed(line: str, command: click.Command, words: list[str]) -> None:
    """Check that options and number of arguments are those of the command."""
    frame = click.Context(command)
    if isinstance(command, click.Group):
        below = command.get_command(frame, words[0])
        assert below is not None, line
        _check_typed(line, below, words[1:])
    else:
        values, rest, _ = command.make_parser(frame).parse_args(list(words))
        needed = {param.name for param in command.params if param.required}
        assert rest == [], line
        assert needed <= {name for name, value in values.items() if value is not None}, line


def test_the_glossary_is_sorted_and_says_each_word_in_one_sentence() -> None:
    """A word is found where one looks for it, once, with one full stop."""
    for section, entries in _sections().items():
        assert entries == sorted(entries, key=str.lower), section
        assert len(set(entries)) == len(entries), section
    lines = [line for line in read(GLOSSARY).splitlines() if line.startswith("- ")]
    assert [line for line in lines if not ENTRY.match(line) or not line.endswith(".")] == []


def test_the_glossary_has_every_type_of_event_and_no_other() -> None:
    """What may happen in a case has a name and a sentence."""
    assert set(_sections()["Types of event"]) == set(event.EVENT_TYPES)


def test_the_glossary_has_every_type_line_and_no_other() -> None:
    """A text that begins with an unknown line would be one that nobody can look up."""
    code = [p for p in files() if p.parts[0] in PACKAGE_FOLDERS and p.suffix == ".py"]
    found = {line for path in code for line in TYPE_LINE.findall(read(path))}
    assert {word for word in _words() if TYPE_LINE.fullmatch(word)} == found


def test_the_glossary_has_every_role_actor_and_purpose() -> None:
    """Who may act, and for what reason, is explained."""
    assert {*member.ROLES, *event.NO_MEMBERS, *request.PURPOSES} <= _words()


def test_the_glossary_has_every_command_and_no_other() -> None:
    """What can be typed is explained, and what is explained can be typed."""
    typed = {word for name, group in _groups() for word in _commands(name, group)}
    assert set(_sections()["Commands"]) == typed


def test_every_example_can_be_typed() -> None:
    """A runbook's commands have the options and arguments that the runbook gives them."""
    groups = dict(_groups())
    for page in _pages():
        for line in _typed_in(page):
            name, *words = shlex.split(line)
            _check_typed(f"{page}: {line}", groups[name], words)


def test_the_glossary_has_every_table_and_no_other() -> None:
    """What an office stores is explained."""
    assert set(_sections()["Tables"]) == set(Petition.metadata.tables)


@pytest.mark.parametrize("page", _pages(), ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A page that is moved takes its links along; a heading that is renamed does too."""
    broken = [
        match[0]
        for match in LINK.finditer(FENCE.sub("", read(page)))
        if not _resolves(page, match[1], match[2])
    ]
    assert broken == []


def _resolves(page: Path, target: str, anchor: str | None) -> bool:
    goal = ROOT / page.parent / target if target else ROOT / page
    if not goal.exists():
        return False
    return anchor is None or anchor in _anchors(goal.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [p for p in _pages() if p.parts[0] == "docs"], ids=str)
def test_every_page_says_at_its_top_for_whom_it_is(page: Path) -> None:
    """Nobody reads half a page before learning that it is for others; a decision has its date."""
    lines = read(page).splitlines()
    assert lines[0].startswith("# ")
    assert re.match(r"\*?(?:For|Accepted on) ", lines[2])


@pytest.mark.parametrize("page", [p for p in _pages() if "decisions" not in p.parts], ids=str)
def test_every_class_and_module_that_a_page_names_is_there(page: Path) -> None:
    """A check that a page calls by its name can be found by it; decisions tell of their own day."""
    code = [p for p in files() if p.parts[0] in PACKAGE_FOLDERS and p.suffix == ".py"]
    classes = {name for path in code for name in DEFINITION.findall(read(path))}
    modules = {".".join(path.with_suffix("").parts[1:]) for path in code}
    modules |= {name.removesuffix(".__init__") for name in modules}
    text = read(page)
    assert set(CLASS.findall(text)) - classes == set()
    assert set(MODULE.findall(text)) - modules == set()


@pytest.mark.parametrize(("page", "phrase"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_in_the_documents_are_those_of_the_code(page: str, phrase: str) -> None:
    """A constant that changes takes the page that tells of it along."""
    assert phrase in read(page)


@pytest.mark.parametrize("folder", ["docs/decisions", "docs/formats"])
def test_every_page_is_in_the_index(folder: str) -> None:
    """A page that is not listed would not be found."""
    pages = {path.name for path in files() if str(path.parent) == folder and path.suffix == ".md"}
    listed = re.findall(
        r"^\| \[[^]]+\]\(([a-z0-9-]+\.md)\) \|", read(f"{folder}/README.md"), re.MULTILINE
    )
    assert sorted(listed) == sorted(pages - {"README.md"})


def test_every_page_that_the_code_cites_is_there() -> None:
    """Whoever follows a source finds it."""
    code = [path for path in files() if path.parts[0] in PACKAGE_FOLDERS and path.suffix != ".md"]
    cited = {page for path in code for page in CITED.findall(read(path))}
    assert sorted(page for page in cited if not (ROOT / page).is_file()) == []

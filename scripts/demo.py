"""
`make demo`: the main job, played on real input by real processes on this machine.

Every line of the story is a command of the project that a person could type, or a server that it
starts. If anything is not as the story tells it, the demo says what, and exits with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import filecmp
import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.demo_office import (  # noqa: E402  # found by the line above
    AUDITOR,
    GATEKEEPERS,
    REVIEWERS,
    ROOTS,
    TICK,
    Addresses,
    count_people,
    key_of,
    make_office,
    start_office,
)
from scripts.demo_robbery import rob  # noqa: E402  # as above
from scripts.demo_stage import DemoError, Stage, stage  # noqa: E402  # as above

EXAMPLES = ROOT / "examples"
PATIENCE = 120.0  # seconds for anything that needs ticks, on a machine that does much else


@dataclass(frozen=True)
class Example:
    """A petition of the demo."""

    name: str
    text: str
    options: tuple[str, ...]
    attachment: str | None = None
    told: str = ""


EXAMPLES_SEALED = (
    Example(
        "farmland",
        "farmland.zh.md",
        ("--language", "zh", "--identity", "li.toml", "--exclude", "jurisdiction:CN-44"),
        told="in Chinese, named, and no reviewer of Guangdong may read it",
    ),
    Example(
        "river",
        "river.md",
        ("--identity", "wang.toml", "--urgent", "--exclude", "institution:hubei-inspection"),
        attachment="outfall.jpg",
        told="with a photograph, named, urgent",
    ),
    Example("school", "school.md", ("--anonymous",), told="anonymous"),
)
IDENTITIES = {
    "li.toml": 'name = "李秀英"\ncontact = "+86 20 5550 0188"\naddress = "广东省某县某镇"\n',
    "wang.toml": 'name = "Wang Jianguo"\nnote = "Telephone only after eight in the evening."\n',
}


def main() -> int:
    """Play the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "demo-town")
    parser.add_argument("--figures", type=Path, help="write what was measured to this file")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    try:
        with _alone(folder), stage(folder) as playing:
            figures = play(playing)
    except DemoError as error:
        print(f"\nNot as told: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; no process is left behind.", file=sys.stderr)
        return 130
    if options.figures:
        options.figures.write_text(json.dumps(figures), encoding="utf-8")
    print(f"\nEverything went as told. What was made is in {folder.name}/; nothing runs any more.")
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Empty *folder*, and let no other demo play in it meanwhile."""
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo plays in {folder.name}/: wait for its end") from None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield


def play(town: Stage) -> dict[str, float]:
    """Play the whole story; return what was measured."""
    people, houses = count_people()
    print(f"One machine plays {people} people of {houses} institutions. No real office may.\n")
    addresses = begin(town)
    petition(town, addresses)
    receipts(town)
    beyond_ticks = open_one(town)
    refuse_strangers(town)
    petitioner_looks(town)
    audit(town, addresses)
    return {"open beyond two ticks s": beyond_ticks}


def begin(town: Stage) -> Addresses:
    """Create the office and start it."""
    addresses = Addresses.choose()
    make_office(town, addresses)
    town.say(f"An office: {len(REVIEWERS)} reviewers, 3 gatekeepers, 5 trustees, 1 mirror;")
    town.tell(f"card and roster are each signed by 2 of {len(ROOTS)} root keepers.")
    said = town.run("dengwen-keys", "coalition", "card.txt", "roster.txt")
    heads = (line for line in said.splitlines() if not line.startswith(" "))
    town.tell("\n".join(line.replace(":", ".") for line in heads))
    start_office(town, addresses)
    town.say("Seven processes run: door, desk, sequencer, three gatekeepers, the mirror.")
    town.until(PATIENCE, "dengwen-submit", "card", addresses.url("door"))
    return addresses


def petition(town: Stage, addresses: Addresses) -> None:
    """Pin the office, seal three petitions without a network, send them."""
    town.say("A petitioner pins the office's card, and compares its fingerprint:")
    town.tell(town.run("dengwen-submit", "card", addresses.url("door")))
    for name, text in IDENTITIES.items():
        (town.folder / name).write_text(text, encoding="utf-8")
    for example in EXAMPLES_SEALED:
        attach = ("--attach", EXAMPLES / example.attachment) if example.attachment else ()
        out = ("--out", f"{example.name}.petition", "--words-out", f"{example.name}.words")
        source = EXAMPLES / example.text
        said = town.run("dengwen-submit", "seal", source, *out, *example.options, *attach)
        town.say(f"{example.text}, {example.told}:")
        town.tell(said)
    for example in EXAMPLES_SEALED:
        said = town.run("dengwen-submit", "send", f"{example.name}.petition", "--at-once")
        town.say(f"{example.name}.petition is sent; its acceptance is signed and verifies.")
    told = said.splitlines()[-2:]
    town.tell("\n".join(told))
    again = town.run("dengwen-submit", "send", "school.petition", "--at-once")
    if again.splitlines()[-2:] != told:
        raise DemoError("sending a petition twice got another answer")
    town.say("school.petition is sent again: the same answer, and it stays one petition.")


def receipts(town: Stage) -> None:
    """Fetch each receipt once it is there, and verify it without the office."""
    for example in EXAMPLES_SEALED:
        words = ("--words-file", f"{example.name}.words", "--save", f"receipts-{example.name}")
        town.until(PATIENCE, "dengwen-submit", "status", *words)
        receipt = f"receipts-{example.name}/001-petition.received.tlog-proof"
        said = town.run("dengwen-submit", "receipt", receipt)
        town.say(f"{example.name}: the receipt verifies offline.")
    town.tell(said)


def open_one(town: Stage) -> float:
    """Let a panel reviewer open the river petition; return the seconds beyond two ticks."""
    manifest = town.run("dengwen-keys", "inspect", "river.petition")
    panel = [name for name in REVIEWERS if name in manifest]
    reader = ("--card", "card.txt", *key_of(panel[0]))
    desk = town.run("dengwen-keys", "desk", *reader)
    town.say(f"{panel[0]} was drawn for the river petition, and looks at the desk:")
    town.tell(desk)
    case = next(line.split()[0] for line in desk.splitlines() if "urgent" in line)
    begun = time.monotonic()
    town.run("dengwen-keys", "request", case, *reader, "--folder", "opened")
    said = town.run("dengwen-keys", "open", *reader, "--folder", "opened")
    seconds = time.monotonic() - begun
    town.say(f"{panel[0]} asks, the log shows it, two gatekeepers release, and it opens:")
    town.tell(said)
    _compare(town)
    town.say(f"From request to plaintext {seconds:.1f} s with a tick of {TICK} s.")
    return seconds - 2 * TICK


def _compare(town: Stage) -> None:
    """Check that what was opened is what was sealed, to the byte."""
    files = [path for path in (town.folder / "opened").rglob("*") if path.is_file()]
    for name in ("river.md", "outfall.jpg"):
        if not any(filecmp.cmp(EXAMPLES / name, path, shallow=False) for path in files):
            raise DemoError(f"what was opened is not {name}")
    town.tell("What was opened is river.md and outfall.jpg, byte for byte.")


def refuse_strangers(town: Stage) -> None:
    """Show who cannot open it: a reviewer off the panel, and a robbing operator."""
    manifest = town.run("dengwen-keys", "inspect", "river.petition")
    off = next(name for name in REVIEWERS if name not in manifest)
    case = (town.folder / "opened").resolve()
    wanted = _case_of(town)
    command = ("dengwen-keys", "request", wanted, "--card", "card.txt", *key_of(off))
    said = town.run(*command, "--folder", "stolen", refused=True)
    if any(case.parent.joinpath("stolen").glob("petition*")):
        raise DemoError("something was opened for a reviewer off the panel")
    town.say(f"{off}, who is off the panel, asks for the same case:")
    town.tell(said)
    found = rob(town.folder)
    town.say("The operator robs the office: the database, every reviewer's key, one gatekeeper's:")
    for line in found:
        town.tell(line)


def _case_of(town: Stage) -> str:
    """Return the case id of the river petition, which its manifest names."""
    with (town.folder / "river.petition").open("rb") as file:
        return next(line.split()[1].decode() for line in file if line.startswith(b"case "))


def petitioner_looks(town: Stage) -> None:
    """Show what the petitioner of the opened petition sees, with her words alone."""
    words = ("--words-file", "river.words", "--save", "receipts-river")
    said = town.until(PATIENCE, "dengwen-submit", "status", *words)
    for gatekeeper in GATEKEEPERS:
        if gatekeeper not in said:
            raise DemoError(f"{gatekeeper} was not asked")
    if "asked to open" not in said or "Complete" not in said:
        raise DemoError(f"the petitioner does not see everything:\n{said}")
    town.say("Twelve words show the petitioner who opened it, and that this is all:")
    town.tell(said)


def audit(town: Stage, addresses: Addresses) -> None:
    """Let anybody verify the log, and an auditor with a grant every rule of every case."""
    town.run(
        *("dengwen-keys", "grant", "draft", AUDITOR, "grant.txt"),
        *("--card", "card.txt", "--roster", "roster.txt"),
    )
    for root in ("root-bar", "root-union"):
        town.run("dengwen-keys", "grant", "sign", "grant.txt", "--card", "card.txt", *key_of(root))
    town.run("dengwen-vault", "grant", "vault", "grant.txt")
    said = town.run("dengwen-audit", "verify", addresses.url("door"), "--card", "card.txt")
    town.say("Anybody verifies the public log:")
    town.tell(said)
    auditor = ("--card", "card.txt", "--key", f"keys/{AUDITOR}.key")
    said = town.until(PATIENCE, "dengwen-audit", "events", *auditor)
    town.say("The auditor, by a logged grant, checks every rule of every case:")
    town.tell(said)


if __name__ == "__main__":
    sys.exit(main())

"""
Makes the vectors of statements and signed requests: `python -m tests.vectors.statement_vectors`.

Every key follows from its name (`tests.small_office`), so the files can be made again by anyone,
byte for byte; a test does. What is expected of each case is written by hand, in this file and in
`tests.bad_statements`, not asked of the code under test.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dengwen_audit.note import NoteSignature, SigningKey, sign_note
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.roster import Roster
from tests.bad_statements import BAD_CARDS, BAD_MANIFESTS, BAD_ROSTERS
from tests.mangling import Spelt
from tests.small_office import (
    CASE,
    TODAY,
    make_card,
    make_case_key,
    make_key,
    make_manifest,
    make_roster,
    make_seed,
)
from tests.small_statements import (
    make_acceptance,
    make_answer,
    make_challenge,
    make_grant,
    make_grant_end,
    make_head,
    make_request,
    make_statement,
)
from tests.vectors.request_vectors import request_vectors
from tests.vectors.spelling import Case, spelt, to_json

Kind = TypeVar("Kind", Card, Roster, Manifest)

FOLDER = Path(__file__).parent
SOURCE = (
    "Made for this project by tests/vectors/statement_vectors.py from fixed seeds; no other "
    "source. A seed is SHA-256('dengwen test key: ' followed by the key's name)."
)
TOO_LONG_FOR_A_FILE = {"thirty-three gatekeepers"}

# For each kind: a good text, and the names of those who must sign it; "case" is the case key.
GOOD: dict[str, tuple[Spelt, tuple[str, ...]]] = {
    "card": (make_card(), ("root-a", "root-b")),
    "roster": (make_roster(), ("root-a", "root-b")),
    "manifest": (make_manifest(), ("case",)),
    "request": (make_request(), ("reviewer-1",)),
    "release": (make_answer(), ("gatekeeper-1",)),
    "refusal": (make_answer(refusal=True), ("gatekeeper-1",)),
    "acceptance": (make_acceptance(), ("intake",)),
    "challenge": (make_challenge(), ("case",)),
    "head": (make_head(), ("gatekeeper-1",)),
    "grant": (make_grant(), ("root-a", "root-c")),
    "grant-end": (make_grant_end(), ("root-b", "root-c")),
    "statement": (make_statement(), ("case",)),
}

# For each kind: what is wrong, a line of the good text, and what stands there instead.
MALFORMED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "card": (
        ("a number with a leading zero", "number 1", "number 01"),
        ("a first card that follows another", "number 1", "number 2"),
        ("a URL with a slash at its end", "https://desk.dengwen.example", "https://d.example/"),
        ("a tick of no length", "tick 60", "tick 0"),
        ("a comment in the policy", "policy quorum all-witnesses", "policy # quorum"),
        ("a line more", "tick 60", "tick 60\ntock 60"),
    ),
    "roster": (
        ("a quorum without n", "gatekeepers 2 3", "gatekeepers 2"),
        ("no such day", "valid-until 2025-01-31", "valid-until 2025-02-31"),
        ("a small letter in a code", "jurisdiction CN-11 CN", "jurisdiction cn-11 CN"),
        ("a gatekeeper without a seat", "member gatekeeper 1", "member gatekeeper 0"),
        ("a mirror with a seat", "member mirror 0", "member mirror 1"),
        ("a role that is none", "member auditor 0", "member king 0"),
        ("a key of another name", "reviewer-1 north-office", "reviewer-9 north-office"),
        ("two spaces", "panel 3", "panel  3"),
    ),
    "manifest": (
        ("a member of the panel twice", "panel reviewer-1", "panel reviewer-4"),
        ("more shares needed than there are", "gatekeeper 2 3", "gatekeeper 4 3"),
        ("compartments under other holders", "petition gatekeeper", "petition trustee"),
        ("parts out of order", "part left", "part first"),
        ("a commitment for no seat", "commitment petition 3", "commitment petition 4"),
        ("a part missing", "part attachment/1", "part attachment/3"),
    ),
    "request": (
        ("a purpose that is none", "purpose review", "purpose curiosity"),
        ("a compartment with a capital", "compartment petition", "compartment Petition"),
        ("a number over 2^53 - 1", "last-index 1294", "last-index 9007199254740992"),
        ("no reason and no hyphen", "reason -", "reason"),
    ),
    "release": (
        ("a kind that is none", "dengwen/release/v1", "dengwen/gift/v1"),
        ("a negative seat", "seat 1", "seat -1"),
    ),
    "refusal": (("a seat in letters", "seat 1", "seat one"),),
    "acceptance": (("a time of day", "day 2025-01-10", "day 2025-01-10T08:00:00Z"),),
    "challenge": (("a key in capitals", "mailbox age1pq1", "mailbox AGE1PQ1"),),
    "head": (
        ("a number without a hash", "seen 3", "seen 0"),
        ("requests that fall", "released ", f"released {'f' * 64}\nreleased "),
    ),
    "grant": (("an end that is none", "until 2025-06-30", "until forever"),),
    "grant-end": (("the type of a grant", "dengwen/grant-end/v1", "dengwen/grant/v1"),),
    "statement": (("a type that is none", "type case.withdrawn", "type withdrawn"),),
}


def statement_vectors() -> Case:
    """Return the content of ``statements.json``."""
    roster = make_roster()
    return {
        "source": SOURCE,
        "comment": (
            "texts: a good text of each kind and its hash. malformed: in that text the one line "
            "part `old` becomes `new`, and it must be refused. notes: the good text with these "
            "signature lines; expect says whether the check passes, under the card and roster of "
            "this file. rules: of the good text, `lines` (from, to, new lines) replaces lines "
            "counted from 0, last replacement first, and the rule named is broken. today is a day "
            "on which the roster is in force."
        ),
        "today": TODAY.isoformat(),
        "seeds": {name: key.seed.hex() for name, key in _keys().items()},
        "texts": [
            {"kind": kind, "text": spelt(text), "hash": sign_note(text.to_bytes()).hash.hex()}
            for kind, (text, _) in GOOD.items()
        ],
        "malformed": [_malformed(kind, *row) for kind, rows in MALFORMED.items() for row in rows],
        "notes": [case for kind in GOOD for case in _notes(kind)],
        "rules": _rules(),
        "chains": [
            {"code": code, "chain": chain.split()}
            for code, chain in (("CN-4403", "CN-4403 CN-44 CN"), ("CN", "CN"), ("CN-99", ""))
        ],
        "codes": [
            {"member": "reviewer-3", "codes": sorted(roster.codes_of(roster.member("reviewer-3")))}
        ],
    }


def write() -> None:
    """Write the files."""
    for name, content in files().items():
        (FOLDER / f"{name}.json").write_text(to_json(content), encoding="utf-8")


def files() -> dict[str, Case]:
    """Return the content of each file by its name."""
    return {"statements": statement_vectors(), "http_signature": request_vectors(SOURCE)}


def _keys() -> dict[str, SigningKey]:
    names = sorted({name for _, signers in GOOD.values() for name in signers} - {"case"})
    return {name: make_key(name) for name in names} | {CASE: make_case_key()}


def _signature(name: str, text: bytes) -> NoteSignature:
    return (make_case_key() if name == "case" else make_key(name)).sign(text)


def _malformed(kind: str, comment: str, old: str, new: str) -> Case:
    text = spelt(GOOD[kind][0])
    if old not in text:
        raise AssertionError(f"internal error: {kind}: {comment}")
    return {"kind": kind, "comment": comment, "old": old, "new": new}


def _notes(kind: str) -> list[Case]:
    """Return good and bad signatures under the good text of *kind*."""
    text = GOOD[kind][0].to_bytes()
    good = [_signature(name, text) for name in GOOD[kind][1]]
    wrong = bytearray(good[0].blob)
    wrong[-1] ^= 1
    stranger = make_key("stranger").sign(text)
    other = SigningKey(good[0].name, make_seed("another key")).sign(text)
    cases = [
        ("as it must be", good, "ok"),
        ("one signer fewer", good[1:] or [stranger], "signature"),
        ("a changed byte", [NoteSignature(good[0].name, bytes(wrong)), *good[1:]], "signature"),
        ("a line by a stranger besides", [*good, stranger], _besides(kind)),
        ("one line twice", [*good[1:], good[0], good[0]], _besides(kind)),
        ("another key of the same name", [other], "signature"),
    ]
    return [
        {
            "kind": kind,
            "comment": comment,
            "signatures": [line.to_line().removesuffix("\n") for line in lines],
            "expect": expect,
        }
        for comment, lines, expect in cases
    ]


def _besides(kind: str) -> str:
    """What becomes of further lines: root keepers add theirs one by one, others sign once."""
    return "ok" if kind in {"card", "roster", "grant", "grant-end"} else "signature"


def _rules() -> list[Case]:
    cards = [_rule("card", name, make_card(), *row) for name, row in BAD_CARDS.items()]
    rosters = [
        _rule("roster", name, make_roster(), *row)
        for name, row in BAD_ROSTERS.items()
        if name not in TOO_LONG_FOR_A_FILE
    ]
    manifests = [
        _rule("manifest", name, make_manifest(), *row) for name, row in BAD_MANIFESTS.items()
    ]
    return cards + rosters + manifests


def _rule(
    kind: str, comment: str, good: Kind, change: Callable[[Kind], Kind], error: type[Exception]
) -> Case:
    old, new = spelt(good).split("\n"), spelt(change(good)).split("\n")
    steps = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    lines = [[a, b, new[c:d]] for tag, a, b, c, d in steps if tag != "equal"]
    return {"kind": kind, "comment": comment, "expect": rule_name(error), "lines": lines}


def rule_name(error: type[Exception]) -> str:
    """Return what the vectors call the refusal of this class: ``seat-operator``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__.removesuffix("Error")).lower()


if __name__ == "__main__":
    write()

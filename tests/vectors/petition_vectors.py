"""
Makes the vector files of sealed petitions: `python -m tests.vectors.petition_vectors` writes them.

`draw.json`, `compartment.json` and `contents.json` come from fixed seeds, and a test makes them
again. What they expect is computed here with the standard library, or written by hand, and not
asked of the code under test.

`petition.petition` is a whole sealed petition, and `petition.json` holds every key that opens it.
Sealing to an age recipient is random by design, so this one cannot be made again byte for byte:
`--petition` makes another, to be committed in place of the old one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from dengwen_audit.statements.member import REVIEWER
from dengwen_audit.statements.roster import Roster
from dengwen_keys.age.identities import Identity
from dengwen_keys.contents import IdentityPart
from dengwen_keys.sealing import Attachment, Draft, Random, seal
from dengwen_keys.words import Words
from tests.keys.mangled_contents import (
    IDENTITY,
    LEFT,
    MANGLED_CONTEXT,
    MANGLED_IDENTITY,
    MANGLED_LEFT,
    MANGLED_PETITION,
    PETITION,
)
from tests.keys.office import JURISDICTIONS, identity_of, make_member, make_roster, seed

FOLDER = Path(__file__).parent
SOURCE = (
    "Made for this project by tests/vectors/petition_vectors.py from fixed seeds; no other source."
)

Content = dict[str, object]
Mangling = Mapping[str, Callable[[bytes], bytes]]

REVIEWERS = (
    ("reviewer-1", "house-a", "CN-44"),
    ("reviewer-2", "house-b", "CN-4401"),
    ("reviewer-3", "house-c", "CN-4403"),
    ("reviewer-4", "house-d", "CN-11"),
    ("reviewer-5", "house-d", "CN-11"),
    ("reviewer-6", "house-e", "CN"),
    ("reviewer-7", "house-f", "CN"),
)


def vector_roster() -> Roster:
    """Return the roster of the draw's vectors and of the sealed petition."""
    return make_roster([make_member(REVIEWER, 0, *place) for place in REVIEWERS])


def vectors() -> dict[str, Content]:
    """Return the content of each file that can be made again, by its name."""
    return {"draw": _draw(), "compartment": _compartment(), "contents": _contents()}


def to_json(content: Content) -> str:
    """Spell one file."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def counting_random() -> Random:
    """Return a source of bytes that is the same in every run, and random for nobody."""
    calls = iter(range(1 << 20))
    return lambda size: hashlib.shake_256(f"random {next(calls)}".encode()).digest(size)


def _order(draw_key: bytes) -> list[str]:
    """Return the reviewers' ids in the order of the draw."""
    ids = [id_ for id_, _, _ in REVIEWERS]
    return sorted(ids, key=lambda id_: hmac.new(draw_key, id_.encode(), "sha256").digest())


def _draw_case(
    comment: str, key: int, exclusions: list[str], panel: str, blame: tuple[str, ...] = ()
) -> Content:
    """Return one draw; *panel* holds the numbers of the reviewers that were worked out by hand."""
    draw_key = hashlib.sha256(f"draw vector {key}".encode()).digest()
    case: Content = {
        "comment": comment,
        "draw-key": draw_key.hex(),
        "exclusions": exclusions,
        "order": _order(draw_key),
    }
    if blame or not panel:
        return {**case, "panel": None, "to-blame": list(blame)}
    return {**case, "panel": [f"reviewer-{number}" for number in panel.split()]}


def _draw() -> Content:
    cities = ("jurisdiction:CN-4401", "jurisdiction:CN-4403")
    four = ("institution:house-a", "institution:house-d", *cities)
    five = ("institution:house-a", "institution:house-d", "institution:house-e", *cities)
    case = _draw_case
    return {
        "source": SOURCE,
        "comment": (
            "reviewers: id, institution, jurisdiction. jurisdictions: code, the one above. "
            "order: ascending HMAC-SHA256(draw-key, id). panel: the first of the order that are "
            "not excluded, of different institutions; null if there are too few, and then to-blame "
            "holds the exclusions to name."
        ),
        "jurisdictions": [[j.code, j.parent] for j in JURISDICTIONS],
        "holders": [f"gate-{i}" for i in (1, 2, 3)] + [f"trust-{i}" for i in range(1, 6)],
        "panel-size": 3,
        "reviewers": [list(place) for place in REVIEWERS],
        "cases": [
            case("nobody excluded", 1, [], "1 6 7"),
            case("the second of an institution is passed over", 4, [], "4 2 1"),
            case("a province and all below it", 7, ["jurisdiction:CN-44"], "7 6 5"),
            case("a city, not its province", 7, ["jurisdiction:CN-4401"], "7 1 6"),
            case("another city", 10, ["jurisdiction:CN-4403"], "7 6 2"),
            case("an institution with two members", 2, ["institution:house-d"], "1 3 2"),
            case("a member, not her institution", 2, ["member:reviewer-4"], "1 3 5"),
            case("a holder's exclusion changes nothing", 1, ["member:gate-1"], "1 6 7"),
            case(
                "one exclusion alone is too much",
                1,
                ["jurisdiction:CN", "member:reviewer-1"],
                "",
                ("jurisdiction:CN",),
            ),
            case("taking back any of four suffices", 1, [*four, "member:gate-1"], "", four),
            case("five together are too much", 1, [*five, "member:gate-1"], "", five),
        ],
    }


def _hkdf(secret: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA256 with no salt, by the letter of RFC 5869."""
    key = hmac.new(bytes(32), secret, "sha256").digest()
    return hmac.new(key, info + b"\x01", "sha256").digest()


def _seed_case(comment: str, left: bytes, right: bytes, compartment: str) -> Content:
    case, context = seed("vector case"), seed("vector context")
    info = b"dengwen/compartment/v1\n" + case
    info += bytes([len(compartment)]) + compartment.encode() + context
    derived = _hkdf(left + right, info)
    return {
        "comment": comment,
        "left": left.hex(),
        "right": right.hex(),
        "case": case.hex(),
        "compartment": compartment,
        "context-hash": context.hex(),
        "seed": derived.hex(),
        "recipient-hash": Identity.from_seed(derived).recipient.hash.hex(),
    }


def _tag(x: bytes, code: str) -> bytes:
    return hmac.new(x, code.encode(), "sha256").digest()[:16]


def _context_text(codes: list[str]) -> str:
    """Return a context that excludes *codes*, spelt by hand."""
    x, random = seed("vector x"), counting_random()
    tags = [_tag(x, code) for code in codes] + [random(16) for _ in range(16 - len(codes))]
    lines = (
        "dengwen/context/v1",
        f"random {seed('vector random').hex()}",
        f"case {seed('vector case').hex()}",
        "compartment petition",
        "panel reviewer-3 reviewer-8 reviewer-1",
        f"exclusions {hashlib.sha256(x).hexdigest()}",
        f"tags {base64.b64encode(b''.join(sorted(tags))).decode()}",
    )
    return "\n".join(lines) + "\n"


def _context_case(comment: str, excluded: list[str], admitted: list[str]) -> Content:
    text = _context_text(excluded)
    return {
        "comment": comment,
        "text": text,
        "hash": hashlib.sha256(text.encode()).hexdigest(),
        "x": seed("vector x").hex(),
        "excluded": excluded,
        "admitted": admitted,
    }


def _compartment() -> Content:
    left, right = seed("vector left"), seed("vector right")
    codes = ["institution:bar", "jurisdiction:CN-44", "member:reviewer-2"]
    text = _context_text(codes)
    return {
        "source": SOURCE,
        "comment": (
            "seeds: HKDF-SHA256 of left and right. tags: HMAC-SHA256(x, code), 16 bytes. "
            "contexts: texts to accept, with codes that x shows to be excluded or not. "
            "refuse: texts that are no contexts."
        ),
        "seeds": [
            _seed_case("a petition", left, right, "petition"),
            _seed_case("an identity: another name", left, right, "identity"),
            _seed_case("a message", left, right, "message/12"),
            _seed_case("the halves changed places", right, left, "petition"),
            _seed_case("halves of zeros", bytes(32), bytes(32), "petition"),
        ],
        "tags": [
            {"x": seed("vector x").hex(), "code": code, "tag": _tag(seed("vector x"), code).hex()}
            for code in codes
        ],
        "contexts": [
            _context_case("nobody excluded", [], ["member:reviewer-2", "jurisdiction:CN"]),
            _context_case("three exclusions", codes, ["member:reviewer-3", "jurisdiction:CN"]),
            _context_case("sixteen", [f"member:m-{i}" for i in range(16)], ["member:m-16"]),
        ],
        "refuse": [
            {"comment": comment, "text": mangle(text.encode()).decode()}
            for comment, mangle in MANGLED_CONTEXT.items()
        ],
    }


def _contents() -> Content:
    kinds: dict[str, tuple[bytes, Content, Mangling]] = {
        "left": (
            LEFT.to_bytes(),
            {
                "case": LEFT.case.hex(),
                "left": LEFT.left.hex(),
                "language": "zh-hant",
                "urgent": True,
            },
            MANGLED_LEFT,
        ),
        "petition": (
            PETITION.to_bytes(),
            {
                "x": PETITION.x.hex(),
                "exclude": ["institution:bar", "jurisdiction:CN-44"],
                "attachments": [[a.media_type, a.length, a.name] for a in PETITION.attachments],
                "body": PETITION.body,
            },
            MANGLED_PETITION,
        ),
        "identity": (IDENTITY.to_bytes(), asdict(IDENTITY), MANGLED_IDENTITY),
    }
    return {
        "source": SOURCE,
        "comment": "By kind: the bytes of a content in hexadecimal, its fields, what to refuse.",
        **{
            kind: {
                "data": data.hex(),
                "fields": fields,
                "refuse": [
                    {"comment": comment, "data": mangle(data).hex()}
                    for comment, mangle in mangled.items()
                ],
            }
            for kind, (data, fields, mangled) in kinds.items()
        },
    }


def make_petition() -> None:
    """Seal the petition of the vectors anew, and write it with every key that opens it."""
    words, roster, file = Words(seed("vector words")[:16]), vector_roster(), b"The crack.\n" * 3
    draft = Draft(
        body="# 水坝\n\nThe dam leaks, and nobody listens.\n",
        identity=IdentityPart("李秀英", "+86 10 5550 1234", "北京市朝阳区", "只打电话"),
        language="zh",
        exclusions=("institution:house-d", "jurisdiction:CN-4401"),
        urgent=True,
        attachments=(Attachment.of_bytes("裂缝.txt", "text/plain", file),),
    )
    sealed = seal(draft, words, roster, random=counting_random())
    sealing = {m.id: identity_of(m.id).seed.hex() for m in roster.members if m.recipient}
    content: Content = {
        "source": SOURCE,
        "comment": (
            "petition.petition, and what opens it: entropy of the receipt words, the roster it "
            "was sealed to, and the seed of each member's age identity. All keys are public now."
        ),
        "entropy": words.entropy.hex(),
        "roster": roster.to_bytes().decode(),
        "sealing-seeds": sealing,
        "case": sealed.manifest.case.hex(),
        "manifest-hash": sealed.note.hash.hex(),
        "panel": list(sealed.manifest.panel),
        "language": draft.language,
        "urgent": draft.urgent,
        "exclude": list(draft.exclusions),
        "body": draft.body,
        "identity": asdict(draft.identity),
        "attachments": [["text/plain", len(file), "裂缝.txt", file.decode()]],
    }
    (FOLDER / "petition.petition").write_bytes(sealed.to_bytes())
    (FOLDER / "petition.json").write_text(to_json(content), encoding="utf-8")


if __name__ == "__main__":
    for name, made in vectors().items():
        (FOLDER / f"{name}.json").write_text(to_json(made), encoding="utf-8")
    if "--petition" in sys.argv[1:]:
        make_petition()

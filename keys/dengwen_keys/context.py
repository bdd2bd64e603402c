"""
What lies beside every share: the case it belongs to, and what the petitioner forbade.

A holder judges a request by the context that it finds sealed together with its share, never by what
the server says of the case: the two stand under one authenticated encryption, so neither can be
taken for another case's. The exclusions are hidden even from holders: sixteen *tags*, always, of
which nobody can tell which are real without *x*, and *x* lies in the petition itself.

::

    dengwen/context/v1
    random 5f0c…                        32 random bytes, so that the hash of a context tells nothing
    case 9b1e…
    compartment petition
    panel reviewer-3 reviewer-8 reviewer-1
    exclusions 77ab…                    SHA-256(x)
    tags AAECAw…                        16 x 16 bytes, ascending: HMAC-SHA256(x, code), shortened

Source: docs/formats/compartment.md.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise

from dengwen_audit.statements.fields import (
    MAX_PANEL,
    CaseId,
    check_compartment_name,
    check_jurisdiction_code,
)
from dengwen_audit.text import (
    ZERO_HASH,
    TextError,
    TextReader,
    TextWriter,
    check_token,
    parse_base64,
    to_base64,
)
from dengwen_keys.errors import KeysError

KIND = "dengwen/context/v1"
MAX_CONTEXT_BYTES = 4096
MAX_EXCLUSIONS = 16  # codes, and so tags
TAG_SIZE = 16  # bytes
EXCLUSION_KEY_SIZE = 32  # bytes of x

_CHECKS = {
    "jurisdiction": check_jurisdiction_code,
    "institution": check_token,
    "member": check_token,
}


class ExclusionKeyError(KeysError):
    """The x that was shown is not the one that the context commits to: nothing can be judged."""


@dataclass(frozen=True, repr=False)
class Context:
    """
    The terms of one compartment, which every one of its holders finds beside its share.

    Attributes:
        random: 32 random bytes, so that the published hash cannot be guessed at.
        case: The case id.
        compartment: ``petition`` or ``identity``, or the name that another compartment has.
        panel: The ids of the members who hold the first lock, in the order of the draw.
        exclusions: SHA-256 of x, 32 bytes.
        tags: Sixteen tags of sixteen bytes, different and ascending.
    """

    random: bytes
    case: CaseId
    compartment: str
    panel: tuple[str, ...]
    exclusions: bytes
    tags: tuple[bytes, ...]

    @classmethod
    def parse(cls, data: bytes) -> Context:
        """
        Read a context.

        Raises:
            TextError: If *data* is not the one spelling of a context.
        """
        reader = TextReader(data, KIND, MAX_CONTEXT_BYTES)
        context = cls(
            random=reader.take_hash("random"),
            case=CaseId(reader.take_hash("case")),
            compartment=check_compartment_name(reader.take("compartment"), KIND),
            panel=_parse_panel(reader.take("panel")),
            exclusions=reader.take_hash("exclusions"),
            tags=_parse_tags(reader.take("tags")),
        )
        reader.end()
        return context

    def to_bytes(self) -> bytes:
        """Spell the context."""
        writer = TextWriter(KIND)
        writer.line("random", self.random).line("case", self.case)
        writer.line("compartment", self.compartment).line("panel", *self.panel)
        writer.line("exclusions", self.exclusions).line("tags", to_base64(b"".join(self.tags)))
        return writer.to_bytes()

    @property
    def hash(self) -> bytes:
        """SHA-256 of the context, which the manifest publishes."""
        return hashlib.sha256(self.to_bytes()).digest()


def _parse_panel(value: str) -> tuple[str, ...]:
    panel = tuple(check_token(field, f"{KIND}: panel") for field in value.split(" "))
    if len(panel) > MAX_PANEL or len(set(panel)) != len(panel):
        raise TextError(f"{KIND}: panel: too many members, or one twice")
    return panel


def _parse_tags(value: str) -> tuple[bytes, ...]:
    data = parse_base64(value, f"{KIND}: tags")
    if len(data) != MAX_EXCLUSIONS * TAG_SIZE:
        raise TextError(f"{KIND}: tags: not {MAX_EXCLUSIONS} tags of {TAG_SIZE} bytes")
    tags = tuple(data[start : start + TAG_SIZE] for start in range(0, len(data), TAG_SIZE))
    if any(low >= high for low, high in pairwise(tags)):
        raise TextError(f"{KIND}: tags: not different and ascending")
    return tags


@functools.lru_cache(maxsize=64)
def context_length(compartment: str, panel: tuple[str, ...]) -> int:
    """Return the bytes of every context of this compartment and panel, whatever it excludes."""
    tags = (bytes(TAG_SIZE),) * MAX_EXCLUSIONS
    blank = Context(ZERO_HASH, CaseId(ZERO_HASH), compartment, panel, ZERO_HASH, tags)
    return len(blank.to_bytes())


def check_code(code: str) -> str:
    """
    Return *code* if it spells an exclusion.

    That is ``jurisdiction:CN-44``, ``institution:ID`` or ``member:ID``.

    Raises:
        TextError: If it does not. The code itself is not repeated, since it tells the complaint.
    """
    kind, _, name = code.partition(":")
    if kind not in _CHECKS:
        raise TextError("exclusion: not of the form jurisdiction:…, institution:… or member:…")
    _CHECKS[kind](name, "exclusion")
    return code


def exclusion_tag(x: bytes, code: str) -> bytes:
    """Return the 16 bytes by which who knows *x* recognises *code*."""
    if len(x) != EXCLUSION_KEY_SIZE:
        raise AssertionError("internal error: x is not of 32 bytes")
    return hmac.digest(x, check_code(code).encode(), "sha256")[:TAG_SIZE]


def exclusion_tags(
    x: bytes, codes: Collection[str], random: Callable[[int], bytes]
) -> tuple[bytes, ...]:
    """
    Return sixteen tags: one for each of *codes*, and *random* ones for the rest.

    Both compartments of a petition carry the same sixteen, so that a gatekeeper and a trustee who
    compare theirs cannot count the real ones.

    Raises:
        TextError: If there are more than sixteen codes, or one is misspelt.
    """
    tags = {exclusion_tag(x, code) for code in codes}
    if len(tags) > MAX_EXCLUSIONS:
        raise TextError(f"more than {MAX_EXCLUSIONS} exclusions")
    while len(tags) < MAX_EXCLUSIONS:
        tags.add(random(TAG_SIZE))
    return tuple(sorted(tags))


def check_exclusion_key(context: Context, x: bytes) -> None:
    """Check that *x* is the one the context commits to; raise `ExclusionKeyError` if not."""
    if len(x) != EXCLUSION_KEY_SIZE or hashlib.sha256(x).digest() != context.exclusions:
        raise ExclusionKeyError("x is not the one that the context commits to")


def is_excluded(context: Context, x: bytes, codes: Collection[str]) -> bool:
    """
    Tell whether the petitioner excluded any of *codes*.

    To judge a member or a body, give all its codes (`Roster.codes_of`): its own, its institution's
    and those of its jurisdiction and everything above.

    Raises:
        ExclusionKeyError: If *x* is not the one this context commits to.
    """
    check_exclusion_key(context, x)
    return any(exclusion_tag(x, code) in context.tags for code in codes)

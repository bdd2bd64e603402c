"""
The log policy: which log is meant, which witnesses count, and how many of them must agree.

::

    log example.org/log+1b2c3d4e+AXyz… https://example.org/log
    witness hill witness.example/hill+5f6a7b8c+BXyz… https://witness.example/hill
    witness lake witness.example/lake+9d0e1f2a+BXyz…
    group both all hill lake
    quorum both

The file is kept as it was read, comments included, so that it can be written back byte for byte.

Beyond the standard: all keys differ (a log's key is no witness's), and only ASCII is accepted, so
that no two names look the same.

Source: C2SP tlog-policy.md (draft, commit 13027ee); docs/formats/log.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import check_cosignature
from dengwen_audit.errors import PolicyError, SignatureError
from dengwen_audit.note import COSIGNATURE_V1, ED25519, Note, VerificationKey
from dengwen_audit.text import TextError, parse_number

MAX_POLICY_BYTES = 32 * 1024
MAX_LINES = 32  # of each kind

NONE = "none"  # the quorum that asks for no witness

_OCTETS = re.compile(r"[\t\n\x20-\x7e]*")


class Log(NamedTuple):
    """A log and, if the policy says so, where it is read."""

    key: VerificationKey
    url: str | None


class Witness(NamedTuple):
    """A witness: its name in this policy, its key and, if the policy says so, its address."""

    name: str
    key: VerificationKey
    url: str | None


class Group(NamedTuple):
    """A group agrees as soon as *threshold* of its *members* (witnesses or groups) do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Cosigned:
    """
    A checkpoint that its log signed and enough witnesses vouched for.

    Attributes:
        times: For each witness of the policy that cosigned, by its name there: when, in seconds.
    """

    checkpoint: Checkpoint
    times: Mapping[str, int]

    @property
    def median_time(self) -> int:
        """
        The middle one of the times; of an even number, the earlier of the two in the middle.

        Raises:
            PolicyError: If the policy asks for no witness and there was none.
        """
        if not self.times:
            raise PolicyError("no witness says when")
        return sorted(self.times.values())[(len(self.times) - 1) // 2]


@dataclass(frozen=True)
class Policy:
    """A policy, read and found whole."""

    text: str
    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> Policy:
        """
        Read a policy file.

        Raises:
            TextError: If a line is not of the grammar, a name is unknown, used or defined twice, a
                key is there twice, or there is not exactly one quorum.
        """
        if len(text) > MAX_POLICY_BYTES or not _OCTETS.fullmatch(text) or text[-1:] != "\n":
            raise TextError("policy: too long, not ASCII, or the last line does not end")
        builder = _Builder()
        for line in text[:-1].split("\n"):
            words = line.replace("\t", " ").split()
            if words and not words[0].startswith("#"):
                builder.add(words)
        return builder.build(text)

    def to_text(self) -> str:
        """Spell the policy as it was read."""
        return self.text

    @property
    def log_key(self) -> VerificationKey:
        """The key of the one log of this policy."""
        return self._log.key

    @property
    def log_url(self) -> str | None:
        """Where the one log of this policy is read, if the policy says so."""
        return self._log.url

    @property
    def _log(self) -> Log:
        if len(self.logs) != 1:
            raise PolicyError("the policy does not name exactly one log")
        return self.logs[0]

    def minimum_witnesses(self) -> int:
        """Return the size of the smallest set of witnesses that meets the quorum."""
        if self.quorum == NONE:
            return 0
        return self._evaluate(
            self.quorum, lambda _: 1, lambda group, costs: sum(sorted(costs)[: group.threshold])
        )

    def is_quorum(self, names: Collection[str]) -> bool:
        """Tell whether the witnesses of these *names* meet the quorum."""
        if self.quorum == NONE:
            return True
        return bool(
            self._evaluate(
                self.quorum,
                lambda name: int(name in names),
                lambda group, votes: int(sum(votes) >= group.threshold),
            )
        )

    def check(self, note: Note) -> Cosigned:
        """
        Check that a log of this policy signed this checkpoint, and that enough witnesses did.

        Costs one Ed25519 verification (about 0.1 ms) for each line by a known key.

        Raises:
            TextError: If the note's text is not a checkpoint.
            SignatureError: If the log did not sign, or a line by a known key does not verify.
            PolicyError: If the witnesses that did are too few.
        """
        checkpoint = Checkpoint.parse(note.text)
        keys = [log.key for log in self.logs if log.key.name == checkpoint.origin]
        if not keys:
            raise SignatureError("the checkpoint is of a log that the policy does not name")
        note.check(keys)
        times = dict(self._cosignatures(note))
        if not self.is_quorum(times.keys()):
            raise PolicyError(f"too few witnesses vouch for the checkpoint: {len(times)}")
        return Cosigned(checkpoint, times)

    def _cosignatures(self, note: Note) -> list[tuple[str, int]]:
        """Check each line by a witness of this policy; of several by one, the last time counts."""
        found = [
            (check_cosignature(line, witness.key, note.text), witness.name)
            for witness in self.witnesses
            for line in note.signatures
            if line.is_by(witness.key)
        ]
        return [(name, time) for time, name in sorted(found)]

    def _evaluate(
        self,
        name: str,
        of_witness: Callable[[str], int],
        of_group: Callable[[Group, list[int]], int],
    ) -> int:
        """Compute a value up the tree of groups. Each name has one parent, so it is a tree."""
        for group in self.groups:
            if group.name == name:
                members = [self._evaluate(m, of_witness, of_group) for m in group.members]
                return of_group(group, members)
        return of_witness(name)


@dataclass
class _Builder:
    """Collects the lines of a policy and refuses each that does not fit those before it."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorums: list[str] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    placed: set[str] = field(default_factory=set)

    def add(self, words: list[str]) -> None:
        """Take one line, split into words."""
        match words:
            case ["log", vkey]:
                self.logs.append(Log(self._key(vkey, ED25519), None))
            case ["log", vkey, url]:
                self.logs.append(Log(self._key(vkey, ED25519), url))
            case ["witness", name, vkey]:
                self._define(name)
                self.witnesses.append(Witness(name, self._key(vkey, COSIGNATURE_V1), None))
            case ["witness", name, vkey, url]:
                self._define(name)
                self.witnesses.append(Witness(name, self._key(vkey, COSIGNATURE_V1), url))
            case ["group", name, threshold, first, *others]:
                self._add_group(name, threshold, (first, *others))
            case ["quorum", name]:
                if name != NONE and name not in self.defined:
                    raise TextError("policy: the quorum is of a name not defined before it")
                self.quorums.append(name)
            case _:
                raise TextError("policy: not a line of log, witness, group or quorum")

    def build(self, text: str) -> Policy:
        """Return the policy, now that its last line is read."""
        if len(self.quorums) != 1:
            raise TextError("policy: not exactly one quorum")
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > MAX_LINES:
            raise TextError(f"policy: more than {MAX_LINES} lines of one kind")
        return Policy(
            text, tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorums[0]
        )

    def _key(self, vkey: str, algorithm: int) -> VerificationKey:
        key = VerificationKey.parse(vkey)
        if key.algorithm != algorithm:
            raise TextError("policy: the key is not of the type that this line needs")
        if key.public_key in self.keys:
            raise TextError("policy: a key is there twice")
        self.keys.add(key.public_key)
        return key

    def _define(self, name: str) -> None:
        if name == NONE or name in self.defined:
            raise TextError("policy: a name is defined twice, or is 'none'")
        self.defined.add(name)

    def _add_group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self.defined or member in self.placed:
                raise TextError("policy: a member is not defined before, or has a place already")
            self.placed.add(member)
        words = {"any": 1, "all": len(members)}
        count = words.get(threshold) or parse_number(threshold, "policy: group")
        if not 1 <= count <= len(members):
            raise TextError("policy: a group of fewer members than it needs")
        self._define(name)
        self.groups.append(Group(name, count, members))

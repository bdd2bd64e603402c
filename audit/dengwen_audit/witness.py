"""
A witness: it remembers the newest checkpoint of each log and cosigns only what extends it.

A log sends ``old N``, a consistency proof from N, an empty line and its signed checkpoint. The
rules in the order in which they are judged, and what breaks each:

====  ==========================  ===============================================================
400   `FormatError`               malformed, or *old* is larger than the checkpoint
404   `UnknownLogError`           not a log that this witness knows
403   `SignatureError`            no signature by the log's key, or a wrong one
409   `ConflictError`             *old* is not the size cosigned last; the answer is that size
422   `InconsistentError`         the proof fails, a proof where none belongs, another root for the
                                  same size, or an empty tree without the empty tree's root
200                               recorded, then cosigned
====  ==========================  ===============================================================

The record is a compare-and-swap in one transaction, on the disk before the answer leaves: of two
forks that arrive together one is cosigned and the other meets 409. What is signed is not what came
but what was understood of it, spelt anew. The same size sent again gets a fresh time: so an idle
log stays provably fresh.

Source: C2SP tlog-witness.md v1.0.0; docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.errors import AuditError, FormatError, ProofError
from dengwen_audit.merkle import EMPTY_ROOT, HASH_SIZE, MAX_PROOF, Hash, check_consistency
from dengwen_audit.note import Note, VerificationKey
from dengwen_audit.sqlite import Database
from dengwen_audit.text import TextError, parse_base64, parse_number, to_base64

MAX_BODY_BYTES = 128 * 1024

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS log (
        origin TEXT PRIMARY KEY,
        size INTEGER NOT NULL,  -- of the checkpoint cosigned last; 0 before the first
        root BLOB NOT NULL,
        note BLOB  -- that checkpoint, with the log's signature and ours
    ) STRICT""",
    # Checkpoints that a log signed and that do not extend what it signed before.
    "CREATE TABLE IF NOT EXISTS evidence (note BLOB PRIMARY KEY) STRICT",
)
_MAX_EVIDENCE = 100  # notes; the first of them is proof enough

Hold = Callable[[Checkpoint, Checkpoint], None]


class UnknownLogError(AuditError):
    """The checkpoint is of a log that this witness does not know."""


class ConflictError(AuditError):
    """
    The log reckons from another size than the one that was cosigned last.

    Attributes:
        size: The size that was cosigned last.
    """

    def __init__(self, size: int) -> None:
        """Tell the size."""
        super().__init__(f"the checkpoint cosigned last has size {size}")
        self.size = size


class InconsistentError(ProofError):
    """The checkpoint does not extend the one cosigned last: the log lost its past, or forked."""


@dataclass(frozen=True)
class Submission:
    """
    What a log sends to a witness.

    Attributes:
        old_size: The size that the proof reckons from.
        proof: The consistency proof.
        note: The signed checkpoint.
    """

    old_size: int
    proof: tuple[Hash, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """
        Read the body of ``add-checkpoint``.

        Raises:
            TextError: If it is too long or not in its one spelling.
        """
        if len(body) > MAX_BODY_BYTES:
            raise TextError(f"add-checkpoint: longer than {MAX_BODY_BYTES} bytes")
        head, separator, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise TextError("add-checkpoint: not ASCII before the checkpoint") from None
        if not separator or not first.startswith("old ") or len(lines) > MAX_PROOF:
            raise TextError("add-checkpoint: no checkpoint, no old size, or too many hashes")
        proof = tuple(Hash(parse_base64(line, "add-checkpoint: proof")) for line in lines)
        if any(len(sibling) != HASH_SIZE for sibling in proof):
            raise TextError("add-checkpoint: a hash is not of 32 bytes")
        old_size = parse_number(first.removeprefix("old "), "add-checkpoint: old")
        return cls(old_size, proof, Note.parse(note))

    def to_bytes(self) -> bytes:
        """Spell the body."""
        lines = [f"old {self.old_size}", *map(to_base64, self.proof), "", ""]
        return "\n".join(lines).encode("ascii") + self.note.to_bytes()


class Witness:
    """
    A witness of one or more logs, with its memory in a SQLite file.

    Args:
        path: The file; whoever loses it loses the memory that makes a witness worth something.
        cosigner: The witness's key, which signs for this witness only.
        logs: The keys of the logs it knows; each key's name is the log's origin.
        clock: Gives the time of a cosignature.
        hold: Called with the checkpoint cosigned last and the new one, before the new one is
            recorded. It raises to refuse; a mirror fetches the entries here.
    """

    def __init__(
        self,
        path: Path,
        cosigner: Cosigner,
        logs: Iterable[VerificationKey],
        clock: Callable[[], float],
        hold: Hold | None = None,
    ) -> None:
        """Open the memory, or begin it."""
        self.key = cosigner.key.verification_key
        self._cosigner = cosigner
        self._logs = {key.name: key for key in logs}
        self._clock = clock
        self._hold = hold
        self._database = Database(path, _SCHEMA)
        with self._database.transaction() as connection:
            for origin in self._logs:
                values = (origin, EMPTY_ROOT)
                connection.execute("INSERT OR IGNORE INTO log VALUES (?, 0, ?, NULL)", values)

    def add_checkpoint(self, body: bytes) -> bytes:
        """
        Judge what a log sent by the rules above; return the cosignature's line.

        Raises:
            AuditError: One of the classes in the table above, or whatever `hold` raises.
        """
        submission = Submission.parse(body)
        checkpoint = _parse_checkpoint(submission.note)
        key = self._logs.get(checkpoint.origin)
        if key is None:
            raise UnknownLogError("no log of this origin is known here")
        submission.note.check([key])
        if submission.old_size > checkpoint.size:
            raise FormatError("add-checkpoint: the old size is larger than the checkpoint")
        last = self.latest(checkpoint.origin)
        if submission.old_size != last.size:
            raise ConflictError(last.size)
        try:
            _check_extends(submission.proof, last, checkpoint)
        except InconsistentError:
            self._keep_evidence(submission.note)
            raise
        if self._hold:
            self._hold(last, checkpoint)
        return self._cosign(key, submission.note, last, checkpoint)

    def latest(self, origin: str) -> Checkpoint:
        """Return the checkpoint cosigned last of the log *origin*; before the first, of size 0."""
        row = self._database.row("SELECT size, root FROM log WHERE origin = ?", origin)
        match row:
            case (int(size), bytes(root)) if origin in self._logs:
                return Checkpoint(origin, size, Hash(root))
        raise UnknownLogError("no log of this origin is known here")

    def checkpoint(self, origin_hash: str) -> bytes:
        """
        Return the note cosigned last, of the log whose origin has this SHA-256 in hexadecimal.

        Raises:
            UnknownLogError: If there is no such log, or nothing was cosigned yet.
        """
        for origin in self._logs:
            if hash_origin(origin) == origin_hash:
                row = self._database.row("SELECT note FROM log WHERE origin = ?", origin)
                match row:
                    case (bytes(note),):
                        return note
        raise UnknownLogError("no checkpoint of such a log was cosigned here")

    def evidence(self) -> list[bytes]:
        """Return the notes that a log signed although they do not extend what was cosigned."""
        return [bytes(note) for (note,) in self._database.rows("SELECT note FROM evidence")]

    def close(self) -> None:
        """Close the memory."""
        self._database.close()

    def _keep_evidence(self, note: Note) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO evidence SELECT ? WHERE (SELECT count(*) FROM evidence) < ?",
                (note.to_bytes(), _MAX_EVIDENCE),
            )

    def _cosign(
        self, key: VerificationKey, note: Note, last: Checkpoint, checkpoint: Checkpoint
    ) -> bytes:
        """Record *checkpoint* in the place of *last*, if that is still the last; then cosign."""
        text = checkpoint.to_bytes()
        cosignature = self._cosigner.cosign(text, int(self._clock()))
        by_log = (line for line in note.signatures if line.is_by(key))
        signed = Note(text, (*by_log, cosignature)).to_bytes()
        new = (checkpoint.size, checkpoint.root, signed)
        with self._database.transaction() as connection:
            swapped = connection.execute(
                "UPDATE log SET size = ?, root = ?, note = ?"
                " WHERE origin = ? AND size = ? AND root = ?",
                (*new, checkpoint.origin, last.size, last.root),
            )
        if swapped.rowcount != 1:  # another request was faster; this signature is never seen
            raise ConflictError(self.latest(checkpoint.origin).size)
        return cosignature.to_line().encode()


def hash_origin(origin: str) -> str:
    """Return the name under which a witness shows what it cosigned of the log *origin*."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _parse_checkpoint(note: Note) -> Checkpoint:
    """Read the checkpoint; an empty tree with another root is called inconsistent."""
    try:
        return Checkpoint.parse(note.text)
    except TextError:
        lines = note.text.decode().split("\n")
        if lines[1:2] == ["0"] and len(lines[2]) == len(to_base64(EMPTY_ROOT)):
            raise InconsistentError("not the root of the empty tree") from None
        raise


def _check_extends(proof: Sequence[Hash], last: Checkpoint, checkpoint: Checkpoint) -> None:
    try:
        check_consistency(proof, last.size, last.root, checkpoint.size, checkpoint.root)
    except ProofError as error:
        raise InconsistentError(str(error)) from error

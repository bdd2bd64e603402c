"""
The log's side of a witness: it sends checkpoints and brings cosignatures back.

A witness's answers fall into three kinds, by what the log must do next:

- *Wait* (`UnreachableError`): no answer, or one of 429 and 5xx. The next tick asks again.
- *Look* (`WitnessRefusalError`): 400, 403, 404, or an answer that is no cosignature by its key. The
  log goes on if the other witnesses are enough; a person sees to the configuration.
- *Stop* (`IncidentError`): 422, or a witness that has cosigned a larger log than ours. Either we
  lost our past or somebody signs with our key: whatever is done automatically makes it worse.

A 409 with a smaller size is none of these: the witness names the size to prove from, and gets it.

Source: C2SP tlog-witness.md v1.0.0; docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import check_cosignature
from dengwen_audit.errors import AuditError
from dengwen_audit.http_client import Answer, HttpClient, UnreachableError
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteSignature, VerificationKey
from dengwen_audit.policy import Witness
from dengwen_audit.text import TextError, parse_number
from dengwen_audit.witness import Submission, hash_origin

MAX_TRIES = 3
RETRY_SECONDS = (0.01, 0.25)
_MAX_ANSWER_BYTES = 64 * 1024

Prove = Callable[[int, int], list[Hash]]


class WitnessRefusalError(AuditError):
    """A witness will not cosign as things are; a person must look at its or our configuration."""


class IncidentError(AuditError):
    """The log and a witness contradict each other: stop, and let a person find out who is wrong."""


class WitnessAheadError(IncidentError):
    """A witness has cosigned a larger log than the one we hold: our store lost its newest part."""


class WitnessClient:
    """
    Asks one witness, and remembers the size up to which it has cosigned.

    Attributes:
        name: The witness's name in the policy.
    """

    def __init__(self, witness: Witness, session: requests.Session, timeout: float) -> None:
        """Ask nothing yet; the policy must give the witness's address."""
        if witness.url is None:
            raise AssertionError("internal error: a witness without an address")
        self.name = witness.name
        self._key: VerificationKey = witness.key
        self._url = witness.url.rstrip("/")
        self._http = HttpClient(session, timeout=timeout)
        self._known = 0  # a witness that never saw us wants to be asked from 0

    def size(self, log_key: VerificationKey) -> int:
        """
        Ask what the witness cosigned last of the log, and return its size; 0 if it shows nothing.

        What it shows must carry the log's own signature, so that no witness can stop a log by a
        mere claim.

        Raises:
            UnreachableError: If it does not answer.
            WitnessRefusalError: If it shows anything but a checkpoint of this log.
        """
        url = f"{self._url}/monitoring/{hash_origin(log_key.name)}/checkpoint"
        answer = self._http.get(url, _MAX_ANSWER_BYTES)
        if answer.status == HTTPStatus.NOT_FOUND:
            return 0
        _check_available(self.name, answer)
        if answer.status != HTTPStatus.OK:
            raise WitnessRefusalError(f"witness {self.name} answers {answer.status}")
        try:
            note = Note.parse(answer.body)
            note.check([log_key])
            return Checkpoint.parse(note.text).size
        except AuditError as error:
            raise WitnessRefusalError(
                f"witness {self.name} shows no checkpoint of this log"
            ) from error

    def cosign(self, note: Note, prove: Prove) -> NoteSignature:
        """
        Get the cosignature of a checkpoint that the log has signed.

        Args:
            prove: Gives the consistency proof between two sizes of our tree.

        Raises:
            UnreachableError: If no usable answer came now.
            WitnessRefusalError: If the witness refuses, or answers with no cosignature of its own.
            IncidentError: If the witness says that we contradict what it cosigned before.
        """
        size = Checkpoint.parse(note.text).size
        for delay in (*RETRY_SECONDS, None):
            old_size = min(self._known, size)
            proof = prove(old_size, size) if 0 < old_size < size else []
            body = Submission(old_size, tuple(proof), note).to_bytes()
            answer = self._http.post(f"{self._url}/add-checkpoint", body, _MAX_ANSWER_BYTES)
            if answer.status == HTTPStatus.OK:
                signature = self._read_cosignature(answer.body, note.text)
                self._known = size
                return signature
            self._known = self._read_conflict(answer, old_size, size)
            if delay is not None:
                time.sleep(delay)
        raise UnreachableError(f"witness {self.name} changes its size with every answer")

    def _read_cosignature(self, body: bytes, text: bytes) -> NoteSignature:
        """Return the line by the witness's key, verified; lines by other keys mean nothing here."""
        try:
            lines = [NoteSignature.parse(line) for line in body.decode().splitlines()]
            ours = next(line for line in lines if line.is_by(self._key))
            check_cosignature(ours, self._key, text)
        except (AuditError, UnicodeDecodeError, StopIteration) as error:
            raise WitnessRefusalError(
                f"witness {self.name} answers without a cosignature by its key"
            ) from error
        return ours

    def _read_conflict(self, answer: Answer, old_size: int, size: int) -> int:
        """Return the size that the witness wants to be asked from, if that is all it wants."""
        _check_available(self.name, answer)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise IncidentError(
                f"witness {self.name} has cosigned another history than ours of size {size}"
            )
        if answer.status != HTTPStatus.CONFLICT:
            raise WitnessRefusalError(f"witness {self.name} answers {answer.status}")
        try:
            theirs = parse_number(answer.body.decode("ascii").removesuffix("\n"), "size")
        except (TextError, UnicodeDecodeError) as error:
            # Before v1.0.0 of the protocol this meant: same size, other root.
            kind = IncidentError if old_size == size else WitnessRefusalError
            raise kind(f"witness {self.name} answers 409 without a size") from error
        if theirs > size:
            raise WitnessAheadError(
                f"witness {self.name} has cosigned size {theirs}, and we hold only {size}"
            )
        return theirs


def _check_available(name: str, answer: Answer) -> None:
    server_error = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if server_error or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UnreachableError(f"witness {name} answers {answer.status}")

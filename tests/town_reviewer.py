"""
A reviewer who is not honest, or whose key somebody took: every line of a request can be another.

An honest reviewer uses the client of `dengwen_keys.reviewer`, which checks what this does not.
"""

from __future__ import annotations

import dataclasses
import secrets

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.request import Request
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.gatekeeper.answers import Reason
from dengwen_keys.office_client import RequestState
from dengwen_keys.released import Asked


def make_request(
    manifest: Manifest, requester: str, tree: Checkpoint, roster: bytes, /, **changes: object
) -> tuple[Request, Identity]:
    """
    Return a request for a petition with a fresh recipient, and with *changes*.

    Args:
        tree: A recent checkpoint.
        roster: The hash of the roster in force.
    """
    fresh = Identity.from_seed(secrets.token_bytes(32))
    honest = Request(
        office=manifest.office,
        case=manifest.case,
        manifest=manifest.hash,
        compartment="petition",
        purpose="review",
        requester=requester,
        roster=roster,
        recipient=fresh.recipient.text,
        after_size=tree.size,
        after_root=tree.root,
        last_index=tree.size + 60,
        nonce=secrets.token_bytes(32),
    )
    return dataclasses.replace(honest, **changes), fresh  # type: ignore[arg-type]


def sign_request(request: Request, fresh: Identity, *keys: SigningKey) -> Asked:
    """Sign a request by whichever *keys*."""
    return Asked(sign_note(request.to_bytes(), *keys), request, fresh)


def read_answer(fresh: Identity, note: bytes, sealed: bytes) -> tuple[Answer, bytes]:
    """Return an answer, and what *fresh* opens of it."""
    return Answer.parse(Note.parse(note).text), decrypt([fresh], sealed)


def read_shares(fresh: Identity, state: RequestState) -> dict[int, bytes]:
    """Return what *fresh* opens of the releases among the answers, by seat."""
    answers = (read_answer(fresh, served.note, served.sealed) for served in state.answers)
    return {answer.seat: plaintext for answer, plaintext in answers if answer.is_release}


def read_reasons(fresh: Identity, state: RequestState) -> dict[str, str]:
    """Return the slug of each refusal among the answers, by holder."""
    answers = (read_answer(fresh, served.note, served.sealed) for served in state.answers)
    return {
        answer.holder: Reason.unpad(plaintext).code
        for answer, plaintext in answers
        if not answer.is_release
    }

"""
A compartment: one age file whose key exists only while two locks are turned together.

::

    left   = 32 bytes, one for the whole petition, sealed to its panel
    right  = 32 random bytes of this compartment; split k of n, a share file for each seat
    seed   = HKDF-SHA256(left ‖ right, info = "dengwen/compartment/v1" LF ‖ case id
                         ‖ length of the name, one byte ‖ name ‖ SHA-256 of the context)
    seed → age identity → recipient, to which the content is sealed

A share file holds ``share ‖ context``: 33 bytes and a text. Both stand under one authenticated
encryption, and the manifest commits to each, so that a holder who reads only what it unsealed
cannot be made to release a share for another case, compartment or panel, and a false share bears
the name of its seat.

Source: docs/formats/compartment.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import TextError
from dengwen_keys.age.filekey import derive
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.context import Context
from dengwen_keys.errors import KeysError
from dengwen_keys.petition_file import check_part, check_part_length
from dengwen_keys.shamir import SHARE_SIZE, Share

INFO = b"dengwen/compartment/v1\n"
HALF_SIZE = 32  # bytes of left, and of right


class SealedShareError(KeysError):
    """
    What was sealed for a seat is not what it should be; *seat* is whose, so that blame has a name.

    It was the petitioner's client that sealed it, unless the part's hash is wrong too.
    """

    def __init__(self, message: str, seat: int) -> None:
        """Keep the number of the seat."""
        super().__init__(f"seat {seat}: {message}")
        self.seat = seat


class ShareFormatError(SealedShareError):
    """The plaintext is not a share and a context."""


class ShareSeatError(SealedShareError):
    """The share is another seat's, or of the forbidden seat 0."""


class ShareCommitmentError(SealedShareError):
    """The share is not the one that the manifest commits to."""


class ContextHashError(SealedShareError):
    """The context is not the one that the manifest commits to."""


class ContextCaseError(SealedShareError):
    """The context names another case."""


class ContextCompartmentError(SealedShareError):
    """The context names another compartment."""


class ContextPanelError(SealedShareError):
    """The context names another panel than the manifest."""


def compartment_seed(
    left: bytes, right: bytes, case: CaseId, compartment: str, context_hash: bytes
) -> bytes:
    """
    Return the 32-byte seed of the compartment's one-time age identity.

    Halves of different cases, compartments or contexts give seeds that belong to nothing.
    """
    if len(left) != HALF_SIZE or len(right) != HALF_SIZE:
        raise AssertionError("internal error: a half is not of 32 bytes")
    name = compartment.encode()
    info = INFO + case + bytes([len(name)]) + name + context_hash
    return derive(left + right, b"", info)


@dataclass(frozen=True, repr=False)
class SharePlain:
    """
    What one holder holds of one compartment, checked against the manifest.

    Attributes:
        share: 33 secret bytes, the last of them the seat.
        context: What a request is judged by.
    """

    share: Share
    context: Context

    def to_bytes(self) -> bytes:
        """Return the plaintext: what a holder seals to the requester's fresh recipient."""
        return self.share + self.context.to_bytes()


def check_share(plaintext: bytes, manifest: Manifest, compartment: str, seat: int) -> SharePlain:
    """
    Split what was sealed for *seat* and check it against the *manifest*, which the caller checked.

    Raises:
        SealedShareError: The subclass tells which check failed.
    """
    line = manifest.compartment(compartment)
    share, context_bytes = Share(plaintext[:SHARE_SIZE]), plaintext[SHARE_SIZE:]
    if len(share) != SHARE_SIZE:
        raise ShareFormatError("shorter than a share", seat)
    if seat == 0 or share[-1] != seat:
        raise ShareSeatError("the share is of another seat", seat)
    if hashlib.sha256(share).digest() != manifest.commitment(compartment, seat):
        raise ShareCommitmentError("the share is not as committed", seat)
    if hashlib.sha256(context_bytes).digest() != line.context_hash:
        raise ContextHashError("the context is not as committed", seat)
    try:
        context = Context.parse(context_bytes)
    except TextError:
        raise ShareFormatError("no context after the share", seat) from None
    _check_context(context, manifest, compartment, seat)
    return SharePlain(share, context)


def _check_context(context: Context, manifest: Manifest, compartment: str, seat: int) -> None:
    if context.case != manifest.case:
        raise ContextCaseError("the context names another case", seat)
    if context.compartment != compartment:
        raise ContextCompartmentError("the context names another compartment", seat)
    if context.panel != manifest.panel:
        raise ContextPanelError("the context names another panel", seat)


def open_share(
    part: bytes, identity: Identity, manifest: Manifest, compartment: str, seat: int
) -> SharePlain:
    """
    Open a holder's share file, after every check that needs no key.

    Args:
        part: The share file as the server gave it.
        identity: The holder's.
        manifest: As `check_manifest` returned it, and with the hash that was logged.
        seat: The holder's own, 1 to n.

    Costs one decapsulation (about 0.1 ms), and none if the file is not of the one length and shape
    that a share file of this manifest can have.

    Raises:
        ManifestError: If there is no such compartment or seat.
        PartLengthError: If it is not of that length.
        PartHashError: If it is not the file that the manifest lists.
        FormatError: If it is not sealed to exactly one hybrid recipient.
        NoMatchError, DamagedError: If it does not open with *identity*.
        SealedShareError: If what is inside is not what the manifest says; the subclass tells what.
    """
    listed = manifest.part(f"share/{compartment}/{seat}")
    check_part_length(manifest, listed)
    check_part(manifest, listed, part)
    return check_share(decrypt([identity], part), manifest, compartment, seat)

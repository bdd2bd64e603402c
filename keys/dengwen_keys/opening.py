"""
Opening: on a reviewer's or trustee's own computer. No server process can import this module.

The way in has three steps, and each refuses what the manifest does not vouch for:

1. `open_left`: a member of the panel opens the petition's first half, which names its case.
2. `rebuild`: with k shares, each checked against its commitment, the compartment's seed; it must
   give the very recipient whose hash the petitioner signed.
3. `open_petition` or `open_identity`: the content, and from a petition its attachments.

If a part has its hash, every share its commitment and the seed still leads elsewhere, the
petitioner's own client sealed nonsense: `UnopenableError`, which two members of the panel sign.

Source: docs/formats/compartment.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from dengwen_audit.note import Note
from dengwen_audit.statements.manifest import IDENTITY, PETITION, Manifest, Part, check_manifest
from dengwen_keys.age.identities import Identity, decrypt, decrypt_stream
from dengwen_keys.attachment import ContentSink
from dengwen_keys.compartment import SharePlain, check_share, compartment_seed
from dengwen_keys.contents import AttachmentLine, IdentityPart, Left, Petition
from dengwen_keys.context import Context, ExclusionKeyError, check_exclusion_key, is_excluded
from dengwen_keys.errors import KeysError
from dengwen_keys.padding import unpad
from dengwen_keys.petition_file import LEFT, check_part, check_part_length, check_stream
from dengwen_keys.shamir import combine


class OpeningError(KeysError):
    """Something does not open, although the parts are those that the manifest lists."""


class NotInPanelError(OpeningError):
    """This member is not of the panel that was drawn for the case."""


class LeftCaseError(OpeningError):
    """The left that opened belongs to another case."""


class TooFewSharesError(OpeningError):
    """Fewer shares than the quorum: ask for more."""


class UnopenableError(OpeningError):
    """Everything is as committed, and yet the seed is not that of the compartment's recipient."""


class AttachmentListError(OpeningError):
    """The petition tells of other attachments than its manifest lists."""


@dataclass(frozen=True, repr=False)
class CompartmentKey:
    """
    What opens one compartment, and no other.

    Attributes:
        compartment: Its name.
        identity: The one-time age identity, a secret.
        context: What the petitioner laid down for it.
    """

    compartment: str
    identity: Identity
    context: Context


def open_left(note: Note, part: bytes, identity: Identity, member: str) -> Left:
    """
    Open the petition's first half.

    Args:
        note: The manifest; the caller compares its hash with the one in the log.
        part: The left file.
        identity: The member's own.
        member: The member's id in the roster.

    Raises:
        AuditError: If the manifest is not one, or not signed by the keys of its case.
        NotInPanelError: If *member* is not of this panel.
        PetitionFileError, FormatError: If *part* is not what the manifest lists, or malformed.
        NoMatchError, DamagedError: If it does not open.
        LeftCaseError: If it belongs to another case.
    """
    manifest = check_manifest(note)
    if member not in manifest.panel:
        raise NotInPanelError("not of the panel of this case")
    listed = manifest.part(LEFT)
    check_part_length(manifest, listed)
    check_part(manifest, listed, part)
    left = Left.parse(unpad(decrypt([identity], part)))
    if left.case != manifest.case:
        raise LeftCaseError("the left belongs to another case")
    return left


def rebuild(
    manifest: Manifest, left: Left, compartment: str, plaintexts: Mapping[int, bytes]
) -> CompartmentKey:
    """
    Rebuild the key of a compartment.

    Args:
        manifest: As `check_manifest` returned it.
        plaintexts: By seat, what each holder released: share and context. Of more than k, the
            lowest seats are combined; every one is checked.

    Raises:
        LeftCaseError: If *left* is of another case.
        SealedShareError: If what a seat released is not as committed; it names the seat.
        TooFewSharesError: If there are fewer than the quorum.
        UnopenableError: If all is as committed, and the seed is still another compartment's.
    """
    if left.case != manifest.case:
        raise LeftCaseError("the left belongs to another case")
    line = manifest.compartment(compartment)
    shares = [
        check_share(plaintext, manifest, compartment, seat)
        for seat, plaintext in sorted(plaintexts.items())
    ]
    if len(shares) < line.k:
        raise TooFewSharesError(f"{len(shares)} shares of the {line.k} that it takes")
    chosen = shares[: line.k]
    seed = _seed(manifest, left, compartment, chosen)
    identity = Identity.from_seed(seed)
    if identity.recipient.hash != line.recipient_hash:
        raise UnopenableError("the seed is not that of the recipient in the manifest")
    return CompartmentKey(compartment, identity, chosen[0].context)


def _seed(manifest: Manifest, left: Left, compartment: str, shares: list[SharePlain]) -> bytes:
    right = combine([plain.share for plain in shares])
    context_hash = manifest.compartment(compartment).context_hash
    return compartment_seed(left.left, right, manifest.case, compartment, context_hash)


def open_compartment(manifest: Manifest, part: bytes, key: CompartmentKey) -> bytes:
    """
    Open a compartment's content and remove its padding.

    Raises:
        PetitionFileError, FormatError: If *part* is not what the manifest lists, or malformed.
        NoMatchError, DamagedError: If it does not open: the petitioner's client sealed nonsense.
    """
    listed = manifest.part(f"compartment/{key.compartment}")
    check_part_length(manifest, listed)
    check_part(manifest, listed, part)
    return unpad(decrypt([key.identity], part))


@dataclass(frozen=True, repr=False)
class OpenedPetition:
    """
    A petition in clear, and the way to its attachments.

    Attributes:
        petition: What she wrote.
        key: Opens the attachments too.
        manifest: Lists them.
    """

    petition: Petition
    key: CompartmentKey
    manifest: Manifest

    @property
    def is_consistent(self) -> bool:
        """
        Whether holders will recognise every exclusion that she lists.

        If not, her client made a mistake or she deceives; the list itself still binds a reviewer.
        """
        context, x = self.key.context, self.petition.x
        try:
            check_exclusion_key(context, x)
        except ExclusionKeyError:
            return False
        return all(is_excluded(context, x, [code]) for code in self.petition.exclude)

    def open_attachment(self, number: int, source: BinaryIO, destination: BinaryIO) -> None:
        """
        Open attachment *number*, counted from 1, chunk by chunk.

        Args:
            source: The sealed attachment alone, seekable: it is read twice, once to check its
                hash, so that nothing is written of a file that is another.
            destination: Where the file goes; worthless if this raises.

        Raises:
            AttachmentListError: If the petition does not list it.
            PetitionFileError, FormatError: If it is not what the manifest lists.
            NoMatchError, DamagedError: If it does not open, or is not padded as it must be.
        """
        line, part = self._attachment(number)
        start = source.tell()
        check_stream(self.manifest, part, source)
        source.seek(start)
        sink = ContentSink(destination, line.length)
        # The sink has the only method that the stream uses.
        decrypt_stream([self.key.identity], source, cast("BinaryIO", sink))
        sink.end()

    def _attachment(self, number: int) -> tuple[AttachmentLine, Part]:
        lines = self.petition.attachments
        if not 1 <= number <= len(lines):
            raise AttachmentListError("the petition lists no attachment of this number")
        return lines[number - 1], self.manifest.part(f"attachment/{number}")


def open_petition(manifest: Manifest, part: bytes, key: CompartmentKey) -> OpenedPetition:
    """
    Open the petition.

    Args:
        part: The file of the petition's compartment.
        key: Of the same compartment, from `rebuild`.

    Raises:
        PetitionFileError, FormatError, NoMatchError, DamagedError: As `open_compartment`.
        TextError: If the content is no petition.
        AttachmentListError: If it does not tell of as many attachments as the manifest lists.
    """
    _check_compartment(key, PETITION)
    petition = Petition.parse(open_compartment(manifest, part, key))
    listed = sum(line.name.startswith("attachment/") for line in manifest.parts)
    if len(petition.attachments) != listed:
        raise AttachmentListError("the petition tells of other attachments than the manifest")
    return OpenedPetition(petition, key, manifest)


def open_identity(manifest: Manifest, part: bytes, key: CompartmentKey) -> IdentityPart:
    """
    Open the identity; `IdentityPart.is_named` tells whether she gave one.

    Raises:
        PetitionFileError, FormatError, NoMatchError, DamagedError: As `open_compartment`.
        TextError: If the content is no identity part.
    """
    _check_compartment(key, IDENTITY)
    return IdentityPart.parse(open_compartment(manifest, part, key))


def _check_compartment(key: CompartmentKey, name: str) -> None:
    if key.compartment != name:
        raise AssertionError(f"internal error: the key is not that of the {name}")

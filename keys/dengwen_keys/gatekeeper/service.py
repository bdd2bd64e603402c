"""
Puts a gatekeeper together from its card, its keys and its folder, and runs it.

::

    store.sqlite3       what the holder remembers
    witness.sqlite3     what the witness remembers

The folder is bound to the card it was begun with; another card is taken only if it succeeds that
one. A key file with a cosigning key makes the service a witness as well, under the key's line in
the card's policy.

Source: docs/formats/gatekeeper-checks.md; docs/runbooks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from flask import Flask

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_audit.witness import Witness
from dengwen_keys.age.identities import Identity
from dengwen_keys.errors import KeysError
from dengwen_keys.gatekeeper.daemon import Gatekeeper
from dengwen_keys.gatekeeper.follow import Follower
from dengwen_keys.gatekeeper.heads import Heads
from dengwen_keys.gatekeeper.matter import Holder
from dengwen_keys.gatekeeper.store import Store
from dengwen_keys.gatekeeper.web import make_gatekeeper_app
from dengwen_keys.keyfile import MemberKeys
from dengwen_keys.office_client import DeskClient, DoorClient

STORE = "store.sqlite3"
WITNESS = "witness.sqlite3"


class SetupError(KeysError):
    """Card, keys and folder do not fit together: nothing is started."""


@dataclass(frozen=True)
class Service:
    """A gatekeeper that is ready to run: the daemon, and the application to serve beside it."""

    gatekeeper: Gatekeeper
    app: Flask
    store: Store
    witness: Witness | None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        self.gatekeeper.run(stop)

    def close(self) -> None:
        """Close every file."""
        self.store.close()
        if self.witness is not None:
            self.witness.close()


def make_service(  # noqa: PLR0913  # what a person brings
    folder: Path,
    card: Note,
    keys: MemberKeys,
    session: requests.Session,
    clock: Callable[[], float],
    *,
    handed: Note | None = None,
) -> Service:
    """
    Put a gatekeeper together.

    Args:
        folder: Its own folder; it is made if need be, for its owner alone.
        card: The card as it was pinned, with its signatures.
        handed: A roster that the root keepers handed over, if there is one.

    Raises:
        SetupError: If the keys are not those of a holder and witness that the card knows, or the
            folder belongs to another office.
        AuditError: If card or roster do not hold.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(folder / STORE)
    checked = _bind(store, card)
    if handed is not None:
        check_past_roster(handed, checked)
        store.hand_roster(handed, clock())
    signing = SigningKey(keys.id, keys.signing_seed)
    witness = _make_witness(folder, checked, keys, clock)
    heads = Heads(checked.office, signing, store)
    gatekeeper = Gatekeeper(
        card=checked,
        holder=Holder(keys.id, _sealing_identity(keys)),
        key=signing,
        desk=DeskClient(checked.desk, session, signing, clock),
        follower=Follower(
            checked, DoorClient(checked.door, session), store, clock, _witnessed(witness, checked)
        ),
        store=store,
        heads=heads,
        clock=clock,
    )
    return Service(gatekeeper, make_gatekeeper_app(heads, witness), store, witness)


def _bind(store: Store, card: Note) -> Card:
    """Check the card, and that it is the one the folder was begun with, or succeeds it."""
    known = store.card()
    if known is None or known.hash == card.hash:
        checked = check_card(card, None)
    else:
        checked = check_card(card, Card.parse(known.text))
    store.keep_card(card)
    return checked


def _sealing_identity(keys: MemberKeys) -> Identity:
    if keys.sealing_seed is None:
        raise SetupError("the key file has no sealing key: it is not a holder's")
    return Identity.from_seed(keys.sealing_seed)


def _make_witness(
    folder: Path, card: Card, keys: MemberKeys, clock: Callable[[], float]
) -> Witness | None:
    """Return the witness that the key file's cosigning key makes of this holder, if it has one."""
    if keys.cosigning_seed is None:
        return None
    for known in card.policy.witnesses:
        key = SigningKey(known.key.name, keys.cosigning_seed, COSIGNATURE_V1)
        if key.verification_key == known.key:
            return Witness(folder / WITNESS, Cosigner(key), [card.policy.log_key], clock)
    raise SetupError("the card's policy does not name the key file's cosigning key")


def _witnessed(witness: Witness | None, card: Card) -> Callable[[], Checkpoint | None]:
    """Return what gives the largest checkpoint that was cosigned here, if any was."""

    def latest() -> Checkpoint | None:
        checkpoint = witness.latest(card.office) if witness else None
        return checkpoint if checkpoint and checkpoint.size else None

    return latest

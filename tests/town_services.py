"""The gatekeepers and the mirror of a town: the real services, without their sockets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from dengwen_audit.epoch_feed import EpochFeed
from dengwen_audit.http_client import HttpClient, UnreachableError
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.merkle import EMPTY_ROOT, Frontier
from dengwen_audit.mirror import ChallengePoll, Mirror
from dengwen_audit.mirror_store import MirrorStore
from dengwen_audit.mirror_web import make_mirror_app
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.card import Card
from dengwen_audit.witness import Witness
from dengwen_keys.errors import KeysError
from dengwen_keys.gatekeeper.service import make_service
from dengwen_keys.keyfile import MemberKeys
from tests.small_office import make_key, make_seed
from tests.town_people import MIRROR, address_of, make_cosigner
from tests.town_wire import Network, Wire

Clock = Callable[[], float]


def forget(witness: Witness) -> None:
    """Set a witness back to where it began."""
    with witness._database.transaction() as database:
        database.execute("UPDATE log SET size = 0, root = ?, note = NULL", (EMPTY_ROOT,))


def make_member_keys(name: str) -> MemberKeys:
    """Return the key file of a member, as it is after the passphrase."""
    seeds = (make_seed(name), make_seed(f"{name} sealing"), make_seed(f"{name} cosigning"))
    return MemberKeys(name, *seeds)


class GatekeeperHouse:
    """
    One gatekeeper: a witness, a memory, and the daemon that judges requests.

    Attributes:
        witness: Its witness half.
        store: Its memory.
        daemon: Judges requests.
        wire: Leads to its address.
        session: Its own way to everybody else.
        is_away: Whether it is silent at present.
    """

    is_away = False

    def __init__(  # noqa: PLR0917  # everything that a house stands on
        self,
        name: str,
        folder: Path,
        card: Note,
        network: Network,
        clock: Clock,
        handed: Note | None = None,
    ) -> None:
        """Open the house, or open it again with what it remembers."""
        keys = make_member_keys(name)
        self.session = network.session()
        service = make_service(folder / name, card, keys, self.session, clock, handed=handed)
        assert service.witness is not None
        self.name = name
        self.witness = service.witness
        self.store = service.store
        self.wire = Wire(service.app)
        self.daemon = service.gatekeeper
        self._service = service
        network.lay(address_of(name), self.wire)

    def poll(self) -> None:
        """Go one round; an office that does not answer is waited for."""
        with contextlib.suppress(KeysError):
            self.daemon.round()

    def forget_as_witness(self) -> None:
        """Forget every checkpoint that was cosigned, as a witness must never do."""
        forget(self.witness)

    def serve(self, request: NoteHash) -> None:
        """Judge one request that the desk lists, and let the caller see why not."""
        self.daemon._serve(request, self.daemon.follower.look())

    def close(self) -> None:
        """Close its memory."""
        self._service.close()
        self.session.close()


class MirrorHouse:
    """
    The mirror: a witness that cosigns only while it holds every event.

    Attributes:
        store: What it holds.
        wire: Leads to its address.
        session: Its own way to everybody else.
        is_away: Whether it is silent at present.
    """

    is_away = False

    def __init__(self, folder: Path, card: Card, network: Network, clock: Clock) -> None:
        """Open the house, or open it again with what it holds."""
        key = make_key(MIRROR)
        self.session = network.session()
        http = HttpClient(self.session, MemberAuth(MIRROR, key, clock))
        self.name = MIRROR
        self.store = MirrorStore(folder / "mirror.sqlite")
        self.mirror = Mirror(self.store, EpochFeed(http, card.desk), key, card.office)
        self.witness = Witness(
            folder / "mirror.witness",
            make_cosigner(MIRROR),
            [card.policy.log_key],
            clock,
            self.mirror.hold,
        )
        self._challenges = ChallengePoll(http, card.desk, self.mirror)
        self.wire = Wire(make_mirror_app(self.witness, self.mirror))
        network.lay(address_of(MIRROR), self.wire)

    def poll(self) -> None:
        """Answer the challenges that wait at the desk."""
        with contextlib.suppress(UnreachableError):
            self._challenges.poll()

    def forget_as_witness(self) -> None:
        """Forget every checkpoint that was cosigned, and every event, as a mirror must never do."""
        forget(self.witness)
        with self.store._database.transaction() as database:
            for table in ("epoch", "event"):
                database.execute(f"DELETE FROM {table}")  # noqa: S608  # ours
            database.execute("UPDATE edge SET frontier = ?", (Frontier().to_bytes(),))

    def collude(self) -> None:
        """From now on cosign whatever the log signs, held or not."""
        self.witness._hold = None

    def close(self) -> None:
        """Close its memory."""
        self.witness.close()
        self.store.close()
        self.session.close()

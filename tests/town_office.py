"""
What the operator of a town runs: vault, door, desk and sequencer, on one data folder.

The operator is the adversary of most attacks, so all of it can be stopped, looked into, altered and
started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dengwen_audit.log import Sequencer
from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_submit.web import create_door
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.publication import OfficePublisher
from dengwen_vault.settings import NONE, Settings, read_key, write_key
from dengwen_vault.setup import init
from dengwen_vault.vault import Vault
from dengwen_vault.web import create_desk
from tests.patience import patient
from tests.small_office import make_key
from tests.town_people import DESK, DOOR, OFFICE
from tests.town_wire import Network, Wire


class OfficeHouse:
    """
    The operator's machine.

    Attributes:
        folder: The data folder.
        vault: The store.
        door: The wire to the door.
        desk: The wire to the desk.
        publisher: Writes the public folder.
        sequencer: Makes the log grow.
        session: Reaches the witnesses.
    """

    vault: Vault
    publisher: OfficePublisher
    sequencer: Sequencer

    def __init__(
        self, folder: Path, card: Card, network: Network, clock: Callable[[], float]
    ) -> None:
        """Take the *folder* of an office that `begin` has begun; start nothing."""
        self.folder = folder
        self.card = card
        self.network = network
        self._is_sequencing = False
        self.session = network.session()
        self._clock = clock

    def begin(self, card: Note, roster: Note, database: str) -> None:
        """Begin an office as `dengwen-vault init` does."""
        settings = Settings(self.folder, database, self.folder / "public")
        write_key(settings.log_key_file, make_key(OFFICE))
        write_key(settings.intake_key_file, make_key("intake"))
        init(self.folder, card, roster, self._clock, database=database, replication=NONE)

    def open(self) -> None:
        """Start door, desk and sequencer on what lies in the folder, for all the town."""
        self.open_aside()
        self.network.lay(DOOR, self.door)
        self.network.lay(DESK, self.desk)
        self.open_sequencer()

    def open_aside(self) -> None:
        """Start door and desk, and lead nobody to them."""
        self.vault = Vault(self.folder, self._clock)
        self.door = Wire(create_door(self.vault, self._clock))
        self.desk = Wire(create_desk(self.vault, self._clock))

    def open_sequencer(self) -> None:
        """Start the sequencer."""
        log_key = self.card.policy.log_key
        self.publisher = OfficePublisher(self.vault.public_folder, log_key, self.vault.store)
        self.sequencer = self.make_sequencer(self.publisher)
        self._is_sequencing = True
        try:
            self.sequencer.start()
        except BaseException:
            self.close_sequencer()
            raise

    def make_sequencer(self, publisher: OfficePublisher) -> Sequencer:
        """Return a sequencer on the office's database, not started."""
        sequencer = Sequencer(
            VaultEpochStore(self.vault.store),
            publisher,
            read_key(self.vault.settings.log_key_file),
            self.card.policy,
            self.session,
            clock=self._clock,
        )
        return patient(sequencer)

    def close_sequencer(self) -> None:
        """Stop the sequencer, if it has not stopped by itself."""
        if self._is_sequencing:
            self._is_sequencing = False
            self.sequencer.close()
            self.publisher.close()

    def restart_sequencer(self) -> None:
        """Let the operator start the sequencer again, after an incident is cleared up."""
        self.close_sequencer()
        self.open_sequencer()

    def close(self) -> None:
        """Stop all of it."""
        self.close_sequencer()
        self.vault.close()
        self.session.close()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop all of it for a while; it starts again from what then lies in the folder."""
        self.close()
        yield
        self.open()

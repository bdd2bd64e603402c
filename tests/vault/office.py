"""
A small office as it stands on one machine: data folder, desk, sequencer, four witnesses.

All of it is the code that runs in service; only sockets and the clock are given.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests
from sqlalchemy import func, select

from dengwen_audit.cosignature import Cosigner
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.log import Sequencer
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import to_base64
from dengwen_audit.witness import Witness
from dengwen_audit.witness_web import make_witness_app
from dengwen_keys.contents import IdentityPart
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.sealing import Attachment, Draft, seal
from dengwen_keys.words import Words
from dengwen_vault.columns import Base
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.publication import OfficePublisher
from dengwen_vault.settings import NONE, Settings, read_key, write_key
from dengwen_vault.setup import init
from dengwen_vault.vault import Vault
from dengwen_vault.web import create_desk
from tests.patience import patient
from tests.small_office import (
    OFFICE,
    TODAY,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_key,
    make_recipient,
    make_roster,
    make_seed,
    sign_by_roots,
)
from tests.wsgi_adapter import WsgiAdapter

NOON = datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC).timestamp()
DRAFT = Draft(body="The dam leaks.\n", identity=IdentityPart(), language="en")
DAY = 86_400  # seconds


def words_of(name: str) -> Words:
    """Return receipt words that are the same in every run."""
    return Words(make_seed(f"words of {name}")[:16])


@functools.cache
def seal_petition(name: str = "first", roster: Roster | None = None) -> SealedPetition:
    """Return a petition by the petitioner of this *name*."""
    return seal(DRAFT, words_of(name), roster or make_roster())


FILES = (b"not really a photo", b"a letter of the water board " * 4000)


@functools.cache
def seal_with_files(name: str = "with files", roster: Roster | None = None) -> SealedPetition:
    """Return a petition with two attachments by the petitioner of this *name*."""
    files = tuple(
        Attachment.of_bytes(f"{number}.jpg", "image/jpeg", data + name.encode())
        for number, data in enumerate(FILES, start=1)
    )
    draft = replace(DRAFT, attachments=files)
    return seal(draft, words_of(name), roster or make_roster())


class VaultOffice:
    """
    An office with an empty log.

    Attributes:
        now: What its clock says.
    """

    def __init__(self, folder: Path, database: str, replication: str = NONE) -> None:
        """Set it up in *folder*, with an empty *database*, unless there is one in it."""
        self.now = NOON
        self._replication = replication
        self.folder = folder / "office"
        if not self.folder.exists():
            self._begin(database)
        self.vault = Vault(self.folder, self.clock)
        self.epoch_store = VaultEpochStore(self.vault.store)
        self.session = requests.Session()
        self.session.mount(make_card().desk, WsgiAdapter(create_desk(self.vault, self.clock)))
        self._witnesses = [self._witness(folder, name) for name in WITNESSES]

    def clock(self) -> float:
        """Return the time."""
        return self.now

    @contextmanager
    def sequencer(self, steps: Callable[[str], object] = lambda _: None) -> Iterator[Sequencer]:
        """Give the office's sequencer, started; it tells its *steps*."""
        key = read_key(self.vault.settings.log_key_file)
        publisher = OfficePublisher(
            self.vault.public_folder, key.verification_key, self.vault.store
        )
        policy = make_card().policy
        sequencer = Sequencer(
            self.epoch_store,
            publisher,
            key,
            policy,
            self.session,
            clock=self.clock,
            steps=steps,
        )
        try:
            patient(sequencer).start()
            yield sequencer
        finally:
            sequencer.close()
            publisher.close()

    def tick(self, count: int = 1) -> None:
        """Let the log grow by *count* public records."""
        with self.sequencer() as sequencer:
            for _ in range(count):
                assert sequencer.tick()

    def accept(self, name: str = "first") -> Manifest:
        """Take in a petition and let it be received; return its manifest."""
        petition = seal_petition(name)
        self.vault.accept(petition.to_bytes(), at_once=True)
        self.tick()
        return petition.manifest

    def accept_files(self, name: str = "with files") -> tuple[SealedPetition, str]:
        """Take in the letter of a petition with files; return its acceptance in base64, too."""
        petition = seal_with_files(name)
        acceptance = self.vault.accept(petition.letter(), at_once=True)
        self.tick()
        return petition, to_base64(acceptance.to_bytes())

    def attach(self, petition: SealedPetition, acceptance: str, *numbers: int) -> None:
        """Take in these attachments of a petition, or all."""
        count = len(petition.manifest.attachments)
        for number in numbers or range(1, count + 1):
            due = self.vault.due_attachment(acceptance, number)
            self.vault.put_attachment(due, petition.parts[f"attachment/{number}"])

    def ask(
        self, member: str, path: str, body: bytes | None = None, *, key: str | None = None
    ) -> requests.Response:
        """Ask the desk as *member*, signing with the member's key or that of another name."""
        auth = MemberAuth(member, make_key(key or member), self.clock)
        method = "GET" if body is None else "POST"
        return self.session.request(method, make_card().desk + path, data=body, auth=auth)

    def request_note(self, manifest: Manifest, /, **changes: object) -> Note:
        """Return the first panel member's signed request to open the petition."""
        size = self.epoch_store.size()
        fields = {
            "office": OFFICE,
            "case": manifest.case,
            "manifest": manifest.hash,
            "compartment": "petition",
            "purpose": "review",
            "requester": manifest.panel[0],
            "roster": make_roster().hash,
            "recipient": make_recipient("a fresh recipient"),
            "after_size": size,
            "after_root": make_seed("some root"),
            "last_index": size + 60,
            "nonce": make_seed("nonce of a request"),
        }
        request = Request(**(fields | changes))  # type: ignore[arg-type]
        return sign_note(request.to_bytes(), make_key(request.requester))

    def rows(self) -> dict[str, int]:
        """Count the rows of each table."""
        return count_rows(self.vault)

    def close(self) -> None:
        """Close every file."""
        self.session.close()
        self.vault.close()
        for witness in self._witnesses:
            witness.close()

    def _begin(self, database: str) -> None:
        settings = Settings(self.folder, database, self.folder / "public")
        write_key(settings.log_key_file, make_key(OFFICE))
        write_key(settings.intake_key_file, make_key("intake"))
        card, roster = make_card().to_bytes(), make_roster().to_bytes()
        init(
            self.folder,
            sign_by_roots(card),
            sign_by_roots(roster),
            self.clock,
            database=database,
            replication=self._replication,
        )

    def _witness(self, folder: Path, name: str) -> Witness:
        witness = Witness(
            folder / f"{name}.sqlite",
            Cosigner(make_cosigning_key(name)),
            [make_card().policy.log_key],
            self.clock,
        )
        self.session.mount(f"https://{name}.example", WsgiAdapter(make_witness_app(witness)))
        return witness


def count_rows(vault: Vault) -> dict[str, int]:
    """Count the rows of each table, but for the nonces that every request leaves."""
    with vault.store.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
            if table.name != "used_nonce"
        }

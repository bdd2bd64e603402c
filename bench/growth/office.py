"""
An office with a past: begun by the product, aged by `bench.growth.past`, and gone on with.

The product makes card, rosters, challenges, heads and nonces itself, and what waits in line. The
rest is written in bulk, since a tick with its syncs for each of a million cases would take a day:
by rising keys, some thousand cases at a time, with a journal switched off that the product switches
on again when it opens the file. Sealed parts go through the product's own segments.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bench.growth.past import (
    OPENED_EVERY,
    WAITING,
    Beginning,
    Past,
    Rows,
    day_of,
    log_size,
    time_of,
)
from bench.growth.petitions import Petitions
from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.merkle import Hash, leaf_hash
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.grant import Grant
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.tile_paths import CHECKPOINT_PATH, TILE_WIDTH, entries_path, to_bundle
from dengwen_audit.tile_tree import Tile, TileTree
from dengwen_vault import models, publication
from dengwen_vault.columns import Base
from tests.small_office import (
    OFFICE,
    WITNESSES,
    make_cosigning_key,
    make_key,
    make_seed,
    sign_by_roots,
)
from tests.vault.office import VaultOffice

BULK_CACHE = 1 << 20  # KiB
CHALLENGED = 16  # cases whose petitioners have asked for heads today
CASES_TO_A_NONCE = 50
WHOLE = "whole"  # a file that is made last
AUDITOR = ("auditor-1", "court-of-audit")

_ORDER = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
_ORDER_KEYS = {
    table.name: [column.name for column in table.primary_key]
    for table in Base.metadata.sorted_tables
}

_PRAGMAS = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    f"PRAGMA cache_size = -{BULK_CACHE}",
)


class AgedOffice(VaultOffice):
    """
    An office that has so many cases.

    Attributes:
        cases: How many.
        petitions: All that it took, and those that it will.
        roster: In force.
    """

    def __init__(self, folder: Path, database: str, petitions: Petitions, cases: int) -> None:
        """Open the office in *folder*, or make it and let it live through its past."""
        is_new = not (folder / WHOLE).exists()
        if is_new:  # or was cut off while it was made
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        super().__init__(folder, database)
        self.petitions = petitions
        self.cases = cases
        if is_new:
            self._age()
        self.now = time_of(log_size(cases))
        self.roster: Roster = self.vault.roster
        if is_new:
            self._fill_what_lasts_a_day()
            (folder / WHOLE).touch()

    @property
    def opened(self) -> list[int]:
        """The numbers of the cases that were asked for and answered."""
        return list(range(0, self.cases - WAITING * OPENED_EVERY, OPENED_EVERY))

    def _age(self) -> None:
        grant = Grant(OFFICE, *AUDITOR, 0, day_of(2 * log_size(self.cases) + 100_000))
        self.vault.post_grant(sign_by_roots(grant.to_bytes()))
        self.tick()
        with self.vault.store.reading() as connection:
            beginning = _read_beginning(connection)
        self.vault.close()
        past = Past(beginning, self.petitions, self.cases, self.vault.segments)
        with self._bulk_engine() as engine:
            for rows in past.generations():
                with engine.begin() as connection:
                    _insert(connection, rows)
            with engine.begin() as connection:
                size, roster = log_size(self.cases), past.rosters[-1].hash
                connection.execute(update(models.LogHead).values(size=size, roster=roster))
                self._publish(connection)

    @contextmanager
    def _bulk_engine(self) -> Iterator[Engine]:
        if not self.vault.store.is_sqlite:
            yield self.vault.store.engine
            return
        engine = create_engine(self.vault.settings.database, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        yield engine
        engine.dispose()

    def _publish(self, connection: Connection) -> None:
        """Write the public log; what else is public the sequencer shows when it starts."""
        folder = self.vault.settings.log_folder
        shutil.rmtree(folder)
        records = select(models.Epoch.record).order_by(models.Epoch.number)
        stream = connection.execution_options(yield_per=TILE_WIDTH).scalars(records)
        size, root = _write_log(folder, stream)
        note = sign_note(Checkpoint(OFFICE, size, root).to_bytes(), make_key(OFFICE))
        cosigners = [Cosigner(make_cosigning_key(name)) for name in WITNESSES]
        lines = [cosigner.cosign(note.text, int(time_of(size))) for cosigner in cosigners]
        _put(folder / CHECKPOINT_PATH, note.signed_by(*lines).to_bytes())
        for roster in connection.scalars(select(models.Roster.note)):
            publication.write_roster(self.vault.public_folder, Note.parse(roster))

    def _fill_what_lasts_a_day(self) -> None:
        """Let petitioners challenge and holders answer, and members ask, through the product."""
        for number in self.opened[-CHALLENGED:]:
            self.challenge(number)
        until = int(self.now) + 600
        for number in range(self.cases // CASES_TO_A_NONCE):
            self.vault.nonces.remember("reviewer-1", f"{number:032x}", until)

    def challenge(self, number: int, nonce: bytes | None = None) -> bytes:
        """Let a petitioner challenge, and one gatekeeper answer; return the nonce."""
        manifest = self.petitions.manifest(number, self.roster.hash)
        nonce = nonce or make_seed(f"nonce {number}")
        challenge = Challenge(OFFICE, manifest.case, manifest.signing_key, manifest.mailbox, nonce)
        note = sign_note(challenge.to_bytes(), self.petitions.case_key(number))
        self.vault.post_challenge(manifest.case, note)
        member = self.roster.member("gatekeeper-1")
        head = Head(OFFICE, manifest.case, nonce, member.id, 0, ZERO_HASH, ())
        self.vault.post_head(member, sign_note(head.to_bytes(), make_key(member.id)))
        return nonce


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        raise AssertionError("internal error: not the driver of the standard library")
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _read_beginning(connection: Connection) -> Beginning:
    records = connection.scalars(select(models.Epoch.record).order_by(models.Epoch.number))
    office = select(models.Event.number, models.Event.hash).where(models.Event.case_id == ZERO_HASH)
    newest = connection.execute(office.order_by(models.Event.number.desc()).limit(1)).one()
    note = connection.execute(select(models.Roster.note)).scalar_one()
    return Beginning(
        tuple(records), newest.number, newest.hash, Roster.parse(Note.parse(note).text)
    )


def _insert(connection: Connection, rows: Rows) -> None:
    """Insert rows by rising keys: the pages of each tree are then visited in a row."""
    for model in sorted(rows, key=lambda model: _ORDER[model.__tablename__]):
        names, values = _ORDER_KEYS[model.__tablename__], rows[model]
        values.sort(key=lambda row: [row[name] for name in names])
        connection.execute(insert(model), values)


def _write_log(folder: Path, entries: Iterable[bytes]) -> tuple[int, Hash]:
    """Write bundles and tiles without flushing each; return the log's size and root."""
    tree, stream = TileTree(), iter(entries)
    while bundle := list(islice(stream, TILE_WIDTH)):
        _put(folder / entries_path(tree.size // TILE_WIDTH, len(bundle)), to_bundle(bundle))
        _put_tiles(folder, tree.extend(map(leaf_hash, bundle)))
    _put_tiles(folder, tree.edge())
    return tree.size, tree.root()


def _put_tiles(folder: Path, tiles: Iterable[Tile]) -> None:
    for tile in tiles:
        _put(folder / tile.path, tile.to_bytes())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

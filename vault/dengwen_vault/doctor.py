"""
What an operator should look at: each check says one sentence, and whether it is well.

Nothing here changes anything, and nothing is said of any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.secret_files import is_open_to_others
from dengwen_audit.tile_paths import TILE_WIDTH
from dengwen_vault.attachments import all_arrived
from dengwen_vault.blobs.store import check_blob
from dengwen_vault.durability import find_faults, has_standby
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.errors import BlobError, MissingBlobError, VaultError, WrongBlobError
from dengwen_vault.models import LogHead
from dengwen_vault.parts import find_wrong_parts
from dengwen_vault.public_log import LogView, PublicLog
from dengwen_vault.schema import check_schema
from dengwen_vault.settings import SYNCHRONOUS, read_key
from dengwen_vault.standing import utc_day
from dengwen_vault.vault import Vault

GOOD, WARNING, FAULT = "good", "warning", "fault"
ROSTER_WARNING = 7  # days before the roster ends
MAX_CLOCK_SKEW = 300  # seconds
# A folder of keys may be passed through: door and sequencer may be two accounts.
_SEEN_BY_OTHERS = 0o066
LATE_TICKS = 5  # ticks without a new checkpoint that are no reason to worry


@dataclass(frozen=True)
class Finding:
    """What one check found: *state* is `GOOD`, `WARNING` or `FAULT`."""

    state: str
    sentence: str


_STANDBY = {
    True: Finding(GOOD, "a standby is attached, and commits wait for it"),
    False: Finding(FAULT, "no synchronous standby is attached: commits wait, nothing is accepted"),
    None: Finding(WARNING, "this account may not see the standby: grant it pg_monitor"),
}

Check = Callable[[Vault, float], Iterator[Finding]]


def examine(vault: Vault, now: float) -> list[Finding]:
    """Run every check; one that cannot be made is a fault, and the others go on."""
    findings: list[Finding] = []
    for check in _CHECKS:
        try:
            findings += check(vault, now)
        except (VaultError, AuditError, OSError) as error:
            findings.append(Finding(FAULT, str(error)))
    return findings


def _schema(vault: Vault, _: float) -> Iterator[Finding]:
    check_schema(vault.store)
    yield Finding(GOOD, "the database is at the newest revision")


def _durability(vault: Vault, _: float) -> Iterator[Finding]:
    store, replication = vault.store, vault.settings.replication
    faults = find_faults(store, replication)
    for fault in faults:
        yield Finding(FAULT, f"a commit may be lost: {fault}")
    if not faults:
        yield Finding(GOOD, "a commit is on the disk when it returns")
    if not store.is_sqlite and replication == SYNCHRONOUS:
        yield _STANDBY[has_standby(store)]


def _modes(vault: Vault, _: float) -> Iterator[Finding]:
    settings = vault.settings
    secret = [settings.intake_key_file]
    if settings.log_key_file.exists():
        secret.append(settings.log_key_file)
    if vault.store.is_sqlite:
        secret += [path for path in _database_files(vault.store.path) if path.exists()]
    sealed = [settings.sealed_folder, settings.blob_folder]
    secret += [folder for folder in sealed if folder and folder.exists()]
    open_ = [path.name for path in secret if is_open_to_others(path, path.stat().st_mode)]
    folder = settings.log_key_file.parent
    if folder.stat().st_mode & _SEEN_BY_OTHERS:
        open_.append(folder.name)
    if open_:
        yield Finding(FAULT, f"others can read: {', '.join(open_)}")
    else:
        yield Finding(GOOD, "only this account can read keys and database")


def _keys(vault: Vault, _: float) -> Iterator[Finding]:
    is_sound = True
    if not vault.settings.log_key_file.exists():
        yield Finding(GOOD, "this machine has no log key, and so no sequencer")
    elif read_key(vault.settings.log_key_file).verification_key != vault.card.policy.log_key:
        is_sound = False
        yield Finding(FAULT, "the log key is not the one in the card")
    if read_key(vault.settings.intake_key_file).verification_key != vault.roster.intake:
        is_sound = False
        yield Finding(FAULT, "the intake key is not the one in the roster in force")
    if is_sound:
        yield Finding(GOOD, "the keys are those in card and roster")


def _roster(vault: Vault, now: float) -> Iterator[Finding]:
    left = (vault.roster.valid_until - utc_day(now)).days
    if left <= 0:
        yield Finding(FAULT, "the roster in force has ended: nobody can seal or open")
    elif left <= ROSTER_WARNING:
        yield Finding(WARNING, f"the roster in force ends in {left} days")
    else:
        yield Finding(GOOD, f"the roster in force is valid for {left} days")


def _log(vault: Vault, now: float) -> Iterator[Finding]:
    view = PublicLog(vault.settings.log_folder).view()
    if view is None:
        yield Finding(WARNING, "nothing is public yet: is the sequencer running?")
        return
    cosigned = vault.card.policy.check(view.checkpoint)
    with vault.store.reading() as connection:  # which waits for no standby
        size = connection.execute(select(LogHead.size)).scalar_one()
    public = view.size
    if public > size:
        yield Finding(FAULT, f"the public log has {public} records and the database {size}")
        return
    _compare_records(vault, view)
    yield Finding(GOOD, f"the newest of {public} public records are those in the database")
    if size > public + 1:
        yield Finding(FAULT, f"{size - public} records are committed and not public")
    late = now - cosigned.median_time
    state = GOOD if late <= LATE_TICKS * vault.card.tick else WARNING
    yield Finding(state, f"the newest checkpoint is {max(int(late), 0)} seconds old")
    if late < -MAX_CLOCK_SKEW:
        yield Finding(FAULT, "this clock is behind those of the witnesses")


def _petitions(vault: Vault, _: float) -> Iterator[Finding]:
    """Read every sealed petition; takes as long as reading all of them does."""
    missing = wrong = 0
    with vault.store.reading() as connection:
        for fault in find_wrong_parts(connection, vault.segments):
            missing += isinstance(fault, MissingBlobError)
            wrong += isinstance(fault, WrongBlobError)
    yield from _tell_damage("sealed petitions", missing, wrong)
    if not missing and not wrong:
        yield Finding(GOOD, "every sealed petition is there, and whole")


def _attachments(vault: Vault, _: float) -> Iterator[Finding]:
    """Read every attachment; takes as long as reading all of them does."""
    unknown = set(vault.blobs.names())  # before the rows, whose blobs come first
    missing, wrong, is_known = 0, 0, True
    with vault.store.reading() as connection:
        for part in all_arrived(connection, vault.segments):
            if isinstance(part, BlobError):  # told with the petitions
                is_known = False
                continue
            unknown.discard(part.sha256)
            try:
                check_blob(vault.blobs, part.sha256, part.length)
            except MissingBlobError:
                missing += 1
            except WrongBlobError:
                wrong += 1
    yield from _tell_damage("attachments", missing, wrong)
    if is_known and not missing and not wrong:
        yield Finding(GOOD, "every attachment that came is there, and whole")
    if unknown and is_known:
        sentence = f"sealed files that no case has, of sendings that were cut off: {len(unknown)}"
        yield Finding(WARNING, sentence)


def _tell_damage(what: str, missing: int, wrong: int) -> Iterator[Finding]:
    if missing:
        yield Finding(FAULT, f"{what} that are gone: {missing}")
    if wrong:
        yield Finding(FAULT, f"{what} that are not what they were: {wrong}")


_CHECKS: tuple[Check, ...] = (
    *(_schema, _durability, _modes, _keys, _roster, _log),
    *(_petitions, _attachments),
)


def _compare_records(vault: Vault, view: LogView) -> None:
    """
    Check that the newest public records are those in the database.

    Raises:
        ProofError: If one is another.
    """
    start = max(view.size - TILE_WIDTH, 0)
    stored = VaultEpochStore(vault.store).records(start, view.size)
    if view.records(start, view.size) != stored:
        raise ProofError("the public log holds other records than the database")


def _database_files(path: str) -> Iterator[Path]:
    return (Path(path + suffix) for suffix in ("", "-wal", "-shm", ".lock"))

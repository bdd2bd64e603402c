"""
An office's data folder: its settings, its two keys, its database, and what it shows the world.

::

    DIR/vault.toml           database = "sqlite:///vault.sqlite3"   relative to DIR, or postgresql://…
                             public = "public"                      relative to DIR, or a path
                             replication = "synchronous"            PostgreSQL only; or "none"
                             blobs = "blobs"                        relative to DIR, a path, or
                                                                    s3://bucket/prefix
                             allowance = 33554432                   bytes of attachments to a case
    DIR/keys/log.key         signs the log's checkpoints; only where a sequencer runs
    DIR/keys/intake.key      signs acceptances; read by the door
    DIR/vault.sqlite3
    DIR/public/              static files for any web server; the log is below log/
    DIR/sealed/              sealed petitions, beside SQLite only: see `dengwen_vault.segments`
    DIR/blobs/               sealed attachments, each under the hash of its bytes

What opens an object store is no setting: it stands in the environment of the processes. Addresses
are none either: door and desk stand in the office card, which everybody can check.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.note import SEED_SIZE, SigningKey, VerificationKey
from dengwen_audit.secret_files import is_open_to_others
from dengwen_audit.text import TextError, parse_base64, to_base64
from dengwen_vault.errors import SettingsError
from dengwen_vault.public_log import LOG_FOLDER

SETTINGS_FILE = "vault.toml"
SYNCHRONOUS = "synchronous"
NONE = "none"
SECRET_MODE = 0o600
FOLDER_MODE = 0o700

BLOBS_FOLDER = "blobs"
SEALED_FOLDER = "sealed"
DEFAULT_ALLOWANCE = 32 << 20  # bytes
MAX_ALLOWANCE = 128 << 20  # bytes: the door holds an attachment in memory while it comes

_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9._-]+)*")
_SQLITE = "sqlite:///"
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class Settings:
    """
    The settings of one office.

    Attributes:
        folder: The data folder.
        database: An SQLAlchemy URL, absolute.
        public: The folder of public files.
        replication: Whether PostgreSQL must wait for a replica: `SYNCHRONOUS` or `NONE`.
        blobs: Where attachments lie: a folder, relative to the data folder, or ``s3://…``.
        allowance: How many bytes the sealed attachments of one case may have together.
    """

    folder: Path
    database: str
    public: Path
    replication: str = SYNCHRONOUS
    blobs: str = BLOBS_FOLDER
    allowance: int = DEFAULT_ALLOWANCE

    @classmethod
    def load(cls, folder: Path) -> Settings:
        """
        Read the settings of a data folder.

        Raises:
            SettingsError: If there are none, or one is unknown or cannot be.
        """
        try:
            raw = tomllib.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SettingsError(f"{folder} has no {SETTINGS_FILE}: is it a data folder?") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{SETTINGS_FILE} cannot be read") from error
        allowance = _check_allowance(raw.pop("allowance", DEFAULT_ALLOWANCE))
        values = {"database": f"{_SQLITE}vault.sqlite3", "public": "public"} | raw
        replication = values.pop("replication", SYNCHRONOUS)
        blobs = _check_blobs(values.pop("blobs", BLOBS_FOLDER))
        known = values.keys() == {"database", "public"}
        if not known or not all(isinstance(value, str) for value in values.values()):
            raise SettingsError(f"{SETTINGS_FILE}: unknown settings, or one that is not a text")
        if replication not in (SYNCHRONOUS, NONE):
            raise SettingsError(f"{SETTINGS_FILE}: replication is synchronous or none")
        database = _resolve(values["database"], folder)
        return cls(folder, database, folder / values["public"], replication, blobs, allowance)

    @property
    def log_key_file(self) -> Path:
        """The file of the log's private key."""
        return self.folder / "keys" / "log.key"

    @property
    def intake_key_file(self) -> Path:
        """The file of the private key that signs acceptances."""
        return self.folder / "keys" / "intake.key"

    @property
    def sealed_folder(self) -> Path | None:
        """The folder of sealed petitions beside SQLite; on PostgreSQL they lie in their rows."""
        return self.folder / SEALED_FOLDER if self.database.startswith(_SQLITE) else None

    @property
    def blob_folder(self) -> Path | None:
        """The folder of attachments, unless they lie in an object store."""
        return None if _S3.fullmatch(self.blobs) else self.folder / self.blobs

    @property
    def log_folder(self) -> Path:
        """The folder of the log's files, below the public folder."""
        return self.public / LOG_FOLDER


def write_settings(
    folder: Path,
    database: str,
    replication: str,
    blobs: str = BLOBS_FOLDER,
    allowance: int = DEFAULT_ALLOWANCE,
) -> None:
    """Write a new settings file; values are spelt as TOML strings, which JSON's are too."""
    lines = [f"database = {json.dumps(database)}", 'public = "public"']
    lines.append(f"replication = {json.dumps(replication)}")
    lines += [f"blobs = {json.dumps(blobs)}", f"allowance = {allowance}"]
    write_new(folder / SETTINGS_FILE, "\n".join([*lines, ""]))


def read_key(path: Path) -> SigningKey:
    """
    Read a private key: ``PRIVATE+KEY+name+id+base64``, the spelling of the Go tools.

    Raises:
        SettingsError: If it cannot be read, is none, or others than its owner can read it.
    """
    try:
        if is_open_to_others(path, path.stat().st_mode):
            raise SettingsError(
                f"{path.name}: others can read it: chmod 600, and think of a new one"
            )
        text = path.read_text(encoding="ascii").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: cannot be read") from error
    name, _, rest = text.removeprefix(_PRIVATE).partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        data = parse_base64(encoded, path.name)
    except TextError as error:
        raise SettingsError(f"{path.name}: not a private key") from error
    key = SigningKey(name, data[1:], *data[:1])
    is_whole = text.startswith(_PRIVATE) and len(data) == 1 + SEED_SIZE
    if not is_whole or key.verification_key.id.hex() != key_id:
        raise SettingsError(f"{path.name}: not a private key")
    return key


def write_key(path: Path, key: SigningKey) -> VerificationKey:
    """Write a new private key that only its owner can read; return its public half."""
    public = key.verification_key
    encoded = to_base64(bytes([key.algorithm]) + key.seed)
    write_new(path, f"{_PRIVATE}{key.name}+{public.id.hex()}+{encoded}\n")
    return public


def write_new(path: Path, text: str) -> None:
    """
    Write a file that only its owner can read, and that is not there yet, and wait for the disk.

    Raises:
        SettingsError: If it is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    except FileExistsError:
        raise SettingsError(f"{path.name} is there already, and is not overwritten") from None
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor, no path
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _check_blobs(value: object) -> str:
    """Check a place for attachments; one that holds a password is none."""
    if not isinstance(value, str) or not value or ("://" in value and not _S3.fullmatch(value)):
        raise SettingsError(f"{SETTINGS_FILE}: blobs is a folder, or s3://bucket/prefix")
    return value


def _check_allowance(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ALLOWANCE:
        raise SettingsError(f"{SETTINGS_FILE}: allowance is 0 to {MAX_ALLOWANCE} bytes")
    return value


def _resolve(database: str, folder: Path) -> str:
    """Make a relative SQLite path absolute."""
    if not database.startswith(_SQLITE):
        return database
    return _SQLITE + str(folder.resolve() / database.removeprefix(_SQLITE))

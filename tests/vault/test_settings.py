"""The data folder: settings that are understood or refused, keys that nobody else can read."""

from pathlib import Path

import pytest

from dengwen_audit.note import SigningKey
from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError
from dengwen_vault.settings import (
    DEFAULT_ALLOWANCE,
    NONE,
    SETTINGS_FILE,
    SYNCHRONOUS,
    Settings,
    read_key,
    write_key,
    write_settings,
)
from dengwen_vault.setup import init, make_keys
from tests.small_office import make_card, make_key, make_roster, sign_by_roots


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Paths are relative to the folder, so that it can be moved."""
    write_settings(tmp_path, "sqlite:///vault.sqlite3", NONE)
    settings = Settings.load(tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/vault.sqlite3"
    assert settings.public == tmp_path / "public"
    assert settings.replication == NONE
    assert settings.blob_folder == tmp_path / "blobs"
    assert settings.allowance == DEFAULT_ALLOWANCE


def test_attachments_may_lie_elsewhere_and_have_another_allowance(tmp_path: Path) -> None:
    """A folder, or a bucket of an object store, which has no folder."""
    write_settings(tmp_path, "sqlite:///vault.sqlite3", NONE, "../other disk", 7)
    settings = Settings.load(tmp_path)
    assert settings.blob_folder == tmp_path / "../other disk"
    assert settings.allowance == 7
    (tmp_path / SETTINGS_FILE).write_text('blobs = "s3://dengwen-attachments/office/1"\n')
    assert Settings.load(tmp_path).blob_folder is None


def test_a_postgresql_url_stays_as_it_is(tmp_path: Path) -> None:
    """And waits for a replica unless told otherwise."""
    (tmp_path / SETTINGS_FILE).write_text('database = "postgresql://office@db/vault"\n')
    settings = Settings.load(tmp_path)
    assert settings.database == "postgresql://office@db/vault"
    assert settings.replication == SYNCHRONOUS


BAD_SETTINGS: dict[str, bytes] = {
    "a name that is unknown": b'databse = "x"\n',
    "a value that is no text": b"public = 7\n",
    "a word that replication does not know": b'replication = "maybe"\n',
    "a password in the address of a store": b'blobs = "s3://id:secret@bucket/office"\n',
    "a store of another kind": b'blobs = "https://bucket.example/office"\n',
    "a store with a query": b'blobs = "s3://bucket/office?x=1"\n',
    "no place for attachments": b'blobs = ""\n',
    "a place that is no text": b"blobs = 7\n",
    "an allowance that is no number": b'allowance = "much"\n',
    "an allowance below nothing": b"allowance = -1\n",
    "an allowance over the greatest": b"allowance = 134217729\n",
    "an allowance that is true": b"allowance = true\n",
    "no TOML": b"= =\n",
    "no UTF-8": b"\xff\n",
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_settings_that_are_not_understood_are_refused(tmp_path: Path, case: str) -> None:
    """A slip of the pen does not silently mean the default."""
    (tmp_path / SETTINGS_FILE).write_bytes(BAD_SETTINGS[case])
    with pytest.raises(SettingsError):
        Settings.load(tmp_path)


def test_a_folder_without_settings_is_refused(tmp_path: Path) -> None:
    """A mistyped folder does not become an office."""
    with pytest.raises(SettingsError):
        Settings.load(tmp_path)


def test_a_key_is_read_as_it_was_written_and_by_its_owner_only(tmp_path: Path) -> None:
    """The file's mode is set when it is made, not afterwards."""
    path = tmp_path / "keys" / "log.key"
    key = make_key("dengwen.example/log")
    assert write_key(path, key) == key.verification_key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert read_key(path) == key
    with pytest.raises(SettingsError, match="not overwritten"):
        write_key(path, make_key("another"))
    assert read_key(path) == key


@pytest.mark.parametrize(
    "text",
    ["", "PRIVATE+KEY+a+00000000+AAAA", "a+b+c", "PRIVATE+KEY+a+00000000+", "\xff"],
    ids=["empty", "short", "public", "cut", "no ASCII"],
)
def test_what_is_no_private_key_is_refused(tmp_path: Path, text: str) -> None:
    """The message does not repeat what is in the file."""
    path = tmp_path / "log.key"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"^log\.key: (not a private key|cannot be read)$"):
        read_key(path)


def test_a_key_under_another_name_is_refused(tmp_path: Path) -> None:
    """The id in the file is that of name and key together."""
    path = tmp_path / "log.key"
    write_key(path, SigningKey("one", make_key("one").seed))
    text = path.read_text()
    path.write_text(text.replace("+one+", "+two+"))
    with pytest.raises(SettingsError):
        read_key(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """It may have been read already."""
    path = tmp_path / "log.key"
    write_key(path, make_key("one"))
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="others can read it"):
        read_key(path)


def test_an_office_begins_only_with_its_own_keys(tmp_path: Path) -> None:
    """Root keepers signed for certain keys, and these must be the ones in the folder."""
    make_keys(tmp_path, "dengwen.example/log")
    card, roster = make_card().to_bytes(), make_roster().to_bytes()
    with pytest.raises(SettingsError, match="the card names another log key"):
        init(tmp_path, sign_by_roots(card), sign_by_roots(roster), lambda: 0.0)
    assert not (tmp_path / SETTINGS_FILE).exists()


def test_keys_are_made_once(tmp_path: Path) -> None:
    """Nothing that the root keepers may have signed for is overwritten."""
    make_keys(tmp_path, "dengwen.example/log")
    with pytest.raises(SettingsError):
        make_keys(tmp_path, "dengwen.example/log")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://office@db/vault"])
def test_a_database_that_forgets_is_refused(url: str) -> None:
    """An office keeps what it accepted."""
    with pytest.raises(SettingsError):
        Store(url)

"""Tests of auditkey.py: a key file is read by its owner only, and never written over."""

from pathlib import Path

import pytest

from dengwen_audit.auditkey import AuditKey, KeyFileError, read_key, write_key
from dengwen_audit.note import COSIGNATURE_V1, ED25519
from dengwen_audit.text import TextError

KEY = AuditKey.make("mirror-1", "court.example/mirror")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Both keys come back, each of its own kind and name."""
    write_key(tmp_path / "key", KEY)
    again = read_key(tmp_path / "key")
    assert again == KEY
    assert again.signing_key.verification_key.algorithm == ED25519
    assert again.cosigner.key.verification_key.algorithm == COSIGNATURE_V1
    assert AuditKey.parse(KEY.to_bytes()).to_bytes() == KEY.to_bytes()


def test_two_keys_differ() -> None:
    """Between files and within one."""
    other = AuditKey.make("mirror-1", "court.example/mirror")
    seeds = {KEY.signing_seed, KEY.cosigning_seed, other.signing_seed, other.cosigning_seed}
    assert len(seeds) == 4


def test_a_seed_is_never_printed() -> None:
    """Neither by repr nor by str."""
    assert KEY.signing_seed.hex() not in repr(KEY)
    assert repr(KEY.signing_seed) not in repr(KEY)
    assert repr(KEY.cosigning_seed) not in str(KEY)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """Whoever wants another key takes another name."""
    write_key(tmp_path / "key", KEY)
    with pytest.raises(KeyFileError, match="already"):
        write_key(tmp_path / "key", AuditKey.make("mirror-1", "court.example/mirror"))
    assert read_key(tmp_path / "key") == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """It is made for its owner only, and it must stay so."""
    path = tmp_path / "key"
    write_key(path, KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key(path)


def test_a_file_that_is_not_there_is_named_by_its_reason(tmp_path: Path) -> None:
    """The message tells what the system said."""
    with pytest.raises(KeyFileError, match="No such file"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("id mirror-1", "id Mirror 1"),
        ("cosigner court.example/mirror", "cosigner court example"),
        ("cosigner court.example/mirror", "cosigner mirror-1"),
        ("dengwen/audit-key/v1", "dengwen/audit-key/v2"),
        ("signing-seed ", "signing-seed 00"),
    ],
)
def test_a_misspelt_key_file_is_refused(line: str, bad: str) -> None:
    """Each line has one spelling, and the two keys have two names."""
    with pytest.raises(TextError):
        AuditKey.parse(KEY.to_bytes().replace(line.encode(), bad.encode()))

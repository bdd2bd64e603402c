"""Beginning an office, and making keys: `office init`, `root`, `member`."""

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dengwen_audit.note import COSIGNATURE_V1, VerificationKey
from dengwen_audit.text import TextError
from dengwen_keys.age.recipients import Recipient
from dengwen_keys.cli.files import FileError
from dengwen_keys.errors import PassphraseError
from dengwen_keys.keyfile import open_keyfile
from dengwen_keys.office_file import OfficeFile
from dengwen_keys.toml_table import OfficeFileError
from tests.keys.cli.people import PASSPHRASE, small_office_toml, type_command, write_passphrase

TWICE = f"{PASSPHRASE}\n{PASSPHRASE}\n"


def test_an_office_begins_with_a_file_that_says_how_to_go_on(tmp_path: Path) -> None:
    """The template is TOML, asks for every word that is needed, and for no other."""
    folder = tmp_path / "office"
    assert "office.toml" in type_command("office", "init", folder)
    text = (folder / "office.toml").read_text(encoding="utf-8")
    asked, known = tomllib.loads(text), tomllib.loads(small_office_toml())
    assert asked.keys() | {"revoked"} == known.keys()
    for table in ("card", "roster"):
        assert asked[table].keys() == known[table].keys()
    with pytest.raises(OfficeFileError):
        OfficeFile.parse(text.encode())  # not before it is filled in


def test_an_office_file_is_not_overwritten(tmp_path: Path) -> None:
    """Beginning twice does not undo what was filled in."""
    type_command("office", "init", tmp_path)
    (tmp_path / "office.toml").write_text("mine", encoding="utf-8")
    assert isinstance(type_command("office", "init", tmp_path).refusal, FileError)
    assert (tmp_path / "office.toml").read_text(encoding="utf-8") == "mine"


def test_a_root_keeper_makes_a_key_and_shows_its_public_half(tmp_path: Path) -> None:
    """What is printed is what the office file wants; the seed is nowhere but in the key file."""
    path = tmp_path / "root-a.key"
    made = type_command("root", "create", "root-a", "--key", path, keyboard=TWICE)
    assert made.exit_code == 0
    keys = open_keyfile(path.read_bytes(), PASSPHRASE)
    assert (keys.id, keys.sealing_seed, keys.cosigning_seed) == ("root-a", None, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.signing_seed.hex() not in made
    assert PASSPHRASE not in made
    block = tomllib.loads(made.output.partition("[[root]]")[2])
    assert VerificationKey.parse(block["key"]).name == "root-a"
    shown = type_command("root", "show", "--key", path, keyboard=f"{PASSPHRASE}\n")
    assert block["key"] in shown


@pytest.mark.parametrize("role", ["reviewer", "gatekeeper", "trustee", "body"])
def test_a_member_makes_the_keys_of_the_role(tmp_path: Path, role: str) -> None:
    """Everybody signs and is sealed to; gatekeepers also witness the log."""
    path, words = tmp_path / "member.key", ("--passphrase-file", write_passphrase(tmp_path))
    made = type_command("member", "create", "ann", "--role", role, "--key", path, *words)
    tables = tomllib.loads(made.output)
    (member,) = tables["member"]
    assert member["role"] == role
    assert VerificationKey.parse(member["key"]).name == "ann"
    Recipient.parse(member["recipient"])
    assert ("seat" in member) is (role in {"gatekeeper", "trustee"})
    assert ("witness" in tables) is (role == "gatekeeper")
    if role == "gatekeeper":
        key = VerificationKey.parse(tables["witness"][0]["key"])
        assert (key.name, key.algorithm) == ("ann/witness", COSIGNATURE_V1)
    shown = type_command("member", "show", "--key", path, *words)
    assert member["key"] in shown
    assert member["recipient"] in shown


def test_a_witness_may_bear_the_name_of_its_host(tmp_path: Path) -> None:
    """The name of the cosigning key is the gatekeeper's to choose, but never the member's id."""
    words = ("--role", "gatekeeper", "--passphrase-file", write_passphrase(tmp_path))
    made = type_command(
        "member", "create", "ann", *words, "--key", tmp_path / "a", "--cosigner", "ann.example/w"
    )
    assert '"ann.example/w+' in made
    for name in ("ann", "a b", "a+b"):
        refused = type_command(
            "member", "create", "ann", *words, "--key", tmp_path / "b", "--cosigner", name
        )
        assert isinstance(refused.refusal, TextError)
        assert not (tmp_path / "b").exists()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """Making keys again does not lose the keys of a seat; nobody is even asked for a passphrase."""
    path = tmp_path / "root.key"
    path.write_bytes(b"mine")
    refused = type_command("root", "create", "root-a", "--key", path)
    assert isinstance(refused.refusal, FileError)
    assert "Passphrase" not in refused
    assert path.read_bytes() == b"mine"


def test_an_id_that_no_roster_could_hold_makes_no_key(tmp_path: Path) -> None:
    """Ids are small letters, digits, dots and hyphens."""
    refused = type_command("root", "create", "Ann B", "--key", tmp_path / "a", keyboard=TWICE)
    assert isinstance(refused.refusal, TextError)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_or_empty_passphrase_opens_nothing(tmp_path: Path) -> None:
    """Two passphrases that differ make no key file; a wrong one opens none."""
    path = tmp_path / "root.key"
    differing = type_command("root", "create", "root-a", "--key", path, keyboard="one\ntwo\n")
    assert differing.exit_code != 0
    (tmp_path / "empty").write_bytes(b"\n")
    refused = type_command(
        "root", "create", "root-a", "--key", path, "--passphrase-file", tmp_path / "empty"
    )
    assert isinstance(refused.refusal, PassphraseError)
    assert not path.exists()
    type_command("root", "create", "root-a", "--key", path, keyboard=TWICE)
    wrong = type_command("root", "show", "--key", path, keyboard="wrong\n")
    assert isinstance(wrong.refusal, PassphraseError)


def test_a_passphrase_is_no_argument() -> None:
    """What is typed as an argument stays in a shell's history and in the list of processes."""
    for command in ("root", "member", "card", "roster"):
        for sub in ("create", "show", "sign"):
            text = type_command(command, sub, "--help").output
            assert "--passphrase " not in text


def test_a_refusal_is_one_sentence_and_exit_code_one(tmp_path: Path) -> None:
    """Run as a program it prints no traceback, and help imports no cryptography."""
    ended = subprocess.run(
        [sys.executable, "-c", "from dengwen_keys.cli.main import main; main()", "inspect", "/no"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr == "Not done: no cannot be read: No such file or directory.\n"
    code = (
        "import sys; from dengwen_keys.cli.main import group; group(['--help'], "
        "standalone_mode=False); print(sorted(m for m in sys.modules if m.startswith('nacl')))"
    )
    helped = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert helped.stdout.endswith("[]\n")
    assert "coalition" in helped.stdout

"""A member's keys under a passphrase."""

import nacl.pwhash.argon2id
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.secret import SecretBox

from dengwen_audit.errors import FormatError as GroundFormatError
from dengwen_audit.text import TextError, TextReader, parse_base64, to_base64
from dengwen_keys.errors import FormatError, KeysError, PassphraseError
from dengwen_keys.keyfile import Cost, MemberKeys, open_keyfile, seal_keyfile
from tests.keys.vectors import read_vectors

CHEAP = Cost(memory_kib=8 * 1024, passes=1, lanes=1)
KEYS = MemberKeys("gate-1", b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
FILE = seal_keyfile(KEYS, "open sesame", CHEAP)

seeds = st.binary(min_size=32, max_size=32)
member_keys = st.builds(
    MemberKeys,
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True),
    seeds,
    st.none() | seeds,
    st.none() | seeds,
)


@given(member_keys)
def test_the_inner_text_is_read_as_it_was_written(keys: MemberKeys) -> None:
    """With or without the seeds that not every member has."""
    assert MemberKeys.parse(keys.to_bytes()) == keys


def test_the_passphrase_opens_the_file() -> None:
    """With the standard costs, too, which the file names."""
    assert open_keyfile(FILE, "open sesame") == KEYS
    standard = seal_keyfile(KEYS, "open sesame")
    assert b"memory 65536\npasses 3\nlanes 1\n" in standard
    assert open_keyfile(standard, "open sesame") == KEYS


@pytest.mark.parametrize("passphrase", ["", "open sesam", "Open sesame", "open sesame "])
def test_another_passphrase_does_not(passphrase: str) -> None:
    """Nearly right is wrong."""
    with pytest.raises(PassphraseError):
        open_keyfile(FILE, passphrase)


def test_a_passphrase_is_the_same_from_any_keyboard() -> None:
    """Composed or not, full width or not: NFKC makes one of them."""
    file = seal_keyfile(KEYS, "caf\u00e9 \uff11\uff12", CHEAP)
    assert open_keyfile(file, "cafe\u0301 12") == KEYS


def test_an_empty_passphrase_is_refused() -> None:
    """It would protect nothing."""
    with pytest.raises(PassphraseError):
        seal_keyfile(KEYS, "", CHEAP)


@pytest.mark.parametrize("entry", read_vectors("keyfile.json")["files"])
def test_the_shared_vectors_open(entry: dict[str, str]) -> None:
    """Chinese passphrases, too."""
    keys = open_keyfile(entry["text"].encode(), entry["passphrase"])
    assert keys.id == entry["member"]
    found = [keys.signing_seed, keys.sealing_seed, keys.cosigning_seed]
    names = ("signing", "sealing", "cosigning")
    assert [seed.hex() if seed else None for seed in found] == [entry[name] for name in names]


def test_libsodium_opens_the_file_as_well() -> None:
    """The composition is what the page says, done again with another Argon2."""
    entry = read_vectors("keyfile.json")["files"][0]
    reader = TextReader(entry["text"].encode(), "dengwen/keyfile/v1", 4096)
    values = {
        name: reader.take(name)
        for name in ("member", "kdf", "memory", "passes", "lanes", "salt", "box")
    }
    key = nacl.pwhash.argon2id.kdf(
        SecretBox.KEY_SIZE,
        entry["passphrase"].encode(),
        bytes.fromhex(values["salt"]),
        opslimit=int(values["passes"]),
        memlimit=int(values["memory"]) * 1024,
    )
    inner = SecretBox(key).decrypt(parse_base64(values["box"], "box"))
    assert inner.startswith(b"dengwen/member-keys/v1\nmember gate-1\nsigning 0101")


def _with(name: str, value: str) -> bytes:
    lines = FILE.decode().split("\n")
    return "\n".join(
        f"{name} {value}" if line.startswith(f"{name} ") else line for line in lines
    ).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", "1048577"),
        ("memory", "9007199254740991"),
        ("memory", "8191"),
        ("passes", "17"),
        ("passes", "0"),
        ("lanes", "5"),
        ("lanes", "0"),
        ("kdf", "scrypt"),
    ],
)
def test_costs_out_of_bounds_are_refused_before_they_are_spent(name: str, value: str) -> None:
    """A hostile file takes neither memory nor time."""
    with pytest.raises(FormatError):
        open_keyfile(_with(name, value), "open sesame")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", "08192"),
        ("memory", "-1"),
        ("salt", "00"),
        ("salt", "A" * 32),
        ("box", "no base64"),
        ("member", "Gate 1"),
    ],
)
def test_a_misspelt_line_is_refused(name: str, value: str) -> None:
    """One key file has one spelling."""
    with pytest.raises(GroundFormatError):
        open_keyfile(_with(name, value), "open sesame")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FILE[:-1],
        FILE + b"more x\n",
        FILE.replace(b"/v1\n", b"/v2\n"),
        FILE.replace(b"lanes 1\n", b""),
        FILE + b"x" * 4096,
    ],
)
def test_another_text_is_refused(data: bytes) -> None:
    """Cut, lengthened, or of another version."""
    with pytest.raises(TextError):
        open_keyfile(data, "open sesame")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", "8193"),
        ("passes", "2"),
        ("lanes", "2"),
        ("salt", "00" * 16),
        ("box", to_base64(bytes(10))),
        ("box", to_base64(bytes(200))),
    ],
)
def test_a_changed_line_does_not_open(name: str, value: str) -> None:
    """Costs and salt are part of what the key is made of."""
    with pytest.raises(PassphraseError):
        open_keyfile(_with(name, value), "open sesame")


def test_the_name_outside_must_be_the_name_inside() -> None:
    """A key file cannot be passed off as another member's."""
    with pytest.raises(PassphraseError, match="id"):
        open_keyfile(_with("member", "gate-2"), "open sesame")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_thirty_two_bytes(length: int) -> None:
    """Nothing else is ever sealed."""
    with pytest.raises(FormatError):
        seal_keyfile(MemberKeys("gate-1", bytes(length), None, None), "open sesame", CHEAP)


def test_a_member_id_is_a_token() -> None:
    """The id is checked before it is written."""
    with pytest.raises(GroundFormatError):
        seal_keyfile(MemberKeys("Gate 1", bytes(32), None, None), "open sesame", CHEAP)


def test_seeds_are_never_printed() -> None:
    """The keys show whose they are, no more."""
    assert f"{KEYS} {KEYS!r}" == "MemberKeys('gate-1') MemberKeys('gate-1')"


def test_a_refusal_repeats_nothing_secret() -> None:
    """Neither the passphrase nor a seed is in a message."""
    with pytest.raises(KeysError) as caught:
        open_keyfile(FILE, "hunter2")
    assert "hunter2" not in repr(caught.value)

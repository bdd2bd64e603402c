"""The header of an age file has one spelling, and its shape can be judged without a key."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys.age import sizes
from dengwen_keys.age.header import (
    VERSION_LINE,
    Header,
    Stanza,
    check_shape,
    read_header,
    to_base64,
)
from dengwen_keys.age.identities import Identity
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.age.x25519 import is_small_order, small_order_shares
from dengwen_keys.errors import FormatError

RECIPIENT = Identity.from_seed(bytes(32)).recipient
FILE = encrypt([RECIPIENT], b"a petition")
THREE = encrypt([RECIPIENT] * 3, b"a petition")
VERSION = b"age-encryption.org/v1\n"
MAC = b"--- " + b"A" * 43 + b"\n"

visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
stanzas = st.builds(
    Stanza, visible, st.lists(visible, max_size=3).map(tuple), st.binary(max_size=150)
)
headers = st.builds(
    Header,
    st.lists(stanzas, min_size=1, max_size=4).map(tuple),
    st.binary(min_size=32, max_size=32),
)


@given(headers)
def test_a_header_is_read_as_it_was_written(header: Header) -> None:
    """Whatever types of stanza there are, of whatever length."""
    assert Header.parse(header.to_bytes()) == header


@given(headers, st.data())
def test_what_parses_has_no_second_spelling(header: Header, data: st.DataObject) -> None:
    """A changed, lost or added byte gives another header or none."""
    original = header.to_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.binary(max_size=1))
    changed = original[:position] + byte + original[position + data.draw(st.integers(0, 1)) :]
    try:
        parsed = Header.parse(changed)
    except FormatError:
        return
    assert parsed.to_bytes() == changed


def test_reading_stops_at_the_end_of_the_header() -> None:
    """What follows is the payload's."""
    source = io.BytesIO(FILE)
    read_header(source)
    assert source.tell() == sizes.header_length(1)


@pytest.mark.parametrize(
    ("comment", "data"),
    [
        ("nothing", b""),
        ("another version", b"age-encryption.org/v2\n-> a\n\n" + MAC),
        ("no stanza", VERSION + MAC),
        ("a stanza without a body", VERSION + b"-> a\n" + MAC),
        ("an empty argument", VERSION + b"-> a  b\n\n" + MAC),
        ("a trailing space", VERSION + b"-> a \n\n" + MAC),
        ("an argument that is not visible ASCII", VERSION + "-> é\n\n".encode() + MAC),
        ("no type", VERSION + b"-> \n\n" + MAC),
        ("padding", VERSION + b"-> a\nAA==\n" + MAC),
        ("bits that say nothing", VERSION + b"-> a\nAB\n" + MAC),
        ("a line of 65", VERSION + b"-> a\n" + b"A" * 65 + b"\n" + MAC),
        ("a full line and no last one", VERSION + b"-> a\n" + b"A" * 64 + b"\n" + MAC),
        ("CRLF", (VERSION + b"-> a\n\n" + MAC).replace(b"\n", b"\r\n")),
        ("a MAC of 31 bytes", VERSION + b"-> a\n\n--- " + b"A" * 42 + b"\n"),
        ("no MAC", VERSION + b"-> a\n\n---\n"),
        ("no end", VERSION + b"-> a\n\n" + MAC[:-1]),
        ("something after it", VERSION + b"-> a\n\n" + MAC + b"\n"),
    ],
)
def test_another_spelling_is_refused(comment: str, data: bytes) -> None:
    """Each of them another implementation might forgive."""
    with pytest.raises(FormatError):
        Header.parse(data)


def test_a_header_may_have_sixty_four_stanzas_and_no_more() -> None:
    """Each could cost a decapsulation."""
    stanza = b"-> a\n\n"
    assert len(Header.parse(VERSION + stanza * 64 + MAC).stanzas) == 64
    with pytest.raises(FormatError, match="more than 64"):
        Header.parse(VERSION + stanza * 65 + MAC)


def test_a_header_may_have_512_kib_and_no_more() -> None:
    """The reader stops there, however long a line still is."""

    def spell(size: int) -> bytes:
        return VERSION + b"-> " + b"a" * size + b"\n\n" + MAC

    room = sizes.MAX_HEADER_BYTES - len(spell(0))
    assert Header.parse(spell(room)).stanzas[0].type == "a" * room
    source = io.BytesIO(spell(room + 1) + bytes(10**6))
    with pytest.raises(FormatError, match="too long"):
        read_header(source)
    assert source.tell() <= sizes.MAX_HEADER_BYTES


def test_a_file_of_ours_has_its_shape() -> None:
    """The check gives the length of the plaintext."""
    assert check_shape(FILE) == len(b"a petition")
    assert check_shape(THREE, 3) == len(b"a petition")


def test_the_beginning_of_a_file_is_enough() -> None:
    """A large attachment need not be in memory."""
    file = encrypt([RECIPIENT], bytes(200_000))
    assert check_shape(file[: sizes.header_length(1)], 1, len(file)) == 200_000


@pytest.mark.parametrize("expected", [0, 1, 2, 4])
def test_another_number_of_recipients_is_refused(expected: int) -> None:
    """A further recipient would be somebody who can open it; a missing one cannot."""
    with pytest.raises(FormatError):
        check_shape(THREE, expected)


def _with_stanza(stanza: Stanza) -> bytes:
    header = Header.parse(FILE[: sizes.header_length(1)])
    return Header((stanza,), header.mac).to_bytes() + FILE[sizes.header_length(1) :]


def _encapsulation(change: bytes = b"") -> bytes:
    header = Header.parse(FILE[: sizes.header_length(1)])
    whole = header.stanzas[0].encapsulation()
    return whole[: len(whole) - len(change)] + change


@pytest.mark.parametrize(
    ("comment", "stanza"),
    [
        ("another type", Stanza("X25519", (to_base64(bytes(32)),), bytes(32))),
        ("capitals", Stanza("MLKEM768X25519", (to_base64(_encapsulation()),), bytes(32))),
        ("no argument", Stanza("mlkem768x25519", (), bytes(32))),
        ("two arguments", Stanza("mlkem768x25519", (to_base64(_encapsulation()), "a"), bytes(32))),
        ("a short body", Stanza("mlkem768x25519", (to_base64(_encapsulation()),), bytes(31))),
        ("a long body", Stanza("mlkem768x25519", (to_base64(_encapsulation()),), bytes(33))),
        ("a short share", Stanza("mlkem768x25519", (to_base64(_encapsulation()[1:]),), bytes(32))),
        ("not base64", Stanza("mlkem768x25519", ("!" * 1494,), bytes(32))),
        ("not canonical", Stanza("mlkem768x25519", ("/" * 1494,), bytes(32))),
        (
            "an X25519 share of zero",
            Stanza("mlkem768x25519", (to_base64(_encapsulation(bytes(32))),), bytes(32)),
        ),
    ],
)
def test_another_stanza_is_refused_before_any_key_is_used(comment: str, stanza: Stanza) -> None:
    """Types, arguments and sizes are exactly those of one hybrid recipient."""
    with pytest.raises(FormatError):
        check_shape(_with_stanza(stanza))


@pytest.mark.parametrize("share", small_order_shares())
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_share_of_small_order_is_refused_wherever_it_stands(share: bytes, place: int) -> None:
    """In each of its spellings: half of the hybrid would protect nothing."""
    header = Header.parse(THREE[: sizes.header_length(3)])
    assert is_small_order(share)
    stanzas = list(header.stanzas)
    weak = Stanza("mlkem768x25519", (to_base64(_encapsulation(share)),), stanzas[place].body)
    stanzas[place] = weak
    file = Header(tuple(stanzas), header.mac).to_bytes() + THREE[sizes.header_length(3) :]
    with pytest.raises(FormatError, match="small order"):
        check_shape(file, 3)


@pytest.mark.parametrize("size", [0, 1119, 1121, 1152])
def test_an_encapsulation_has_1120_bytes(size: int) -> None:
    """Also where other stanzas are allowed beside it, as when a file is opened."""
    stanza = Stanza("mlkem768x25519", (to_base64(bytes([1]) * size) or "A",), bytes(32))
    with pytest.raises(FormatError):
        Header((stanza,), bytes(32)).hybrid_stanzas()


def test_a_grease_stanza_beside_is_refused() -> None:
    """A reader must ignore it, but our own files have none."""
    length = sizes.header_length(1)
    header = Header.parse(FILE[:length])
    more = Header((*header.stanzas, Stanza("x-grease", (), b"")), header.mac).to_bytes()
    for stanzas_expected in (1, 2):
        with pytest.raises(FormatError):
            check_shape(more + FILE[length:], stanzas_expected)


@pytest.mark.parametrize("place", range(len(VERSION_LINE)))
def test_another_version_line_is_refused(place: int) -> None:
    """Whatever stands in place of whichever of its characters, the dot among them."""
    for byte in (0, ord("x"), ord("\n")):
        changed = FILE[:place] + bytes([byte]) + FILE[place + 1 :]
        if changed != FILE:
            with pytest.raises(FormatError):
                check_shape(changed)


def test_a_file_without_a_whole_chunk_is_refused() -> None:
    """The payload needs a nonce and a tag."""
    with pytest.raises(FormatError):
        check_shape(FILE[: sizes.header_length(1) + 31])


@given(st.integers(1, 3), st.data())
def test_a_shape_is_accepted_just_when_the_strict_reader_accepts_it(
    count: int, data: st.DataObject
) -> None:
    """The one expression that a server uses says of every changed header what the parser says."""
    length = sizes.header_length(count)
    header = bytearray(encrypt([RECIPIENT] * count, b"")[:length])
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, length - 1) | st.integers(length - 60, length - 1))
        header[place] = data.draw(st.integers(0, 255) | st.sampled_from(b"\n +/AQgw="))
    try:
        parsed = Header.parse(bytes(header))
        strict = len(parsed.hybrid_stanzas()) == len(parsed.stanzas) == count
    except FormatError:
        strict = False
    try:
        check_shape(bytes(header) + bytes(32), count)
    except FormatError:
        assert not strict
    else:
        assert strict


@pytest.mark.parametrize(
    "last", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)
@pytest.mark.parametrize("line", [1, 2, 3])
def test_unused_bits_are_zero_in_a_shape_too(line: int, last: int) -> None:
    """Of the 64 characters that could end a line of base64, those that spell nothing extra may."""
    lines = FILE[: sizes.header_length(1)].split(b"\n")
    lines[line] = lines[line][:-1] + bytes([last])
    header = b"\n".join(lines)
    try:
        Header.parse(header).hybrid_stanzas()
    except FormatError:
        with pytest.raises(FormatError):
            check_shape(header + bytes(32))
    else:
        check_shape(header + bytes(32))

"""Tests of text.py: each value has one spelling, and whatever deviates by a byte is refused."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.text import (
    MAX_NUMBER,
    TextError,
    TextReader,
    TextWriter,
    check_token,
    parse_base64,
    parse_day,
    parse_hex,
    parse_number,
    split_fields,
    to_base64,
)

KIND = "dengwen/example/v1"
VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "text.json").read_text(encoding="utf-8")
)
GOOD = f"{KIND}\nname some value\ncount 7\n".encode()


def read(data: bytes) -> tuple[str, int]:
    """Read a text of two lines."""
    reader = TextReader(data, KIND, 100)
    result = reader.take("name"), reader.take_number("count")
    reader.end()
    return result


def test_a_text_is_read_line_by_line() -> None:
    """What was written is read, in the order of the format."""
    assert TextWriter(KIND).line("name", "some value").line("count", 7).to_bytes() == GOOD
    assert read(GOOD) == ("some value", 7)


@pytest.mark.parametrize(
    ("claim", "data"),
    {
        "another kind": GOOD.replace(b"/v1", b"/v2"),
        "kind only as a prefix": GOOD.replace(b"/v1", b"/v1 "),
        "no last LF": GOOD[:-1],
        "CR LF": GOOD.replace(b"\n", b"\r\n"),
        "an empty line": GOOD.replace(b"\ncount", b"\n\ncount"),
        "an empty line at the end": GOOD + b"\n",
        "a line missing": GOOD.replace(b"count 7\n", b""),
        "a line twice": GOOD + b"count 7\n",
        "an unknown line": GOOD + b"more 1\n",
        "another order": f"{KIND}\ncount 7\nname some value\n".encode(),
        "a name in capitals": GOOD.replace(b"name", b"Name"),
        "no value": GOOD.replace(b"some value", b""),
        "no space": GOOD.replace(b"name some value", b"name"),
        "two spaces": GOOD.replace(b"name some", b"name  some"),
        "a space at the end": GOOD.replace(b"value", b"value "),
        "a no-break space at the end": GOOD.replace(b"value", "value\u00a0".encode()),
        "an ideographic space at the start": GOOD.replace(b"some", "\u3000some".encode()),
        "a tab": GOOD.replace(b"some ", b"some\t"),
        "a NUL": GOOD.replace(b"some ", b"some\x00"),
        "a DEL": GOOD.replace(b"some ", b"some\x7f"),
        "a C1 control": GOOD.replace(b"some ", "some\u0085".encode()),
        "a line separator": GOOD.replace(b"some ", "some\u2028".encode()),
        "not UTF-8": GOOD.replace(b"some ", b"some\xff"),
        "an overlong UTF-8": GOOD.replace(b"some ", b"some\xc0\xaf"),
        "a surrogate in UTF-8": GOOD.replace(b"some ", b"some\xed\xa0\x80"),
        "a byte order mark": b"\xef\xbb\xbf" + GOOD,
        "too long": GOOD.replace(b"some", b"s" * 100),
        "empty": b"",
    }.items(),
)
def test_a_text_that_deviates_is_refused(claim: str, data: bytes) -> None:
    """There is one spelling, and these are not it."""
    assert data != GOOD, claim
    with pytest.raises(TextError):
        read(data)


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True), st.text())))
def test_the_writer_refuses_what_the_reader_refuses(lines: list[tuple[str, str]]) -> None:
    """Any lines that can be written are read back as they were."""
    writer = TextWriter(KIND)
    try:
        for name, value in lines:
            writer.line(name, value)
    except TextError:
        return
    reader = TextReader(writer.to_bytes(), KIND, 1 << 20)
    assert [(name, reader.take(name)) for name, _ in lines] == lines
    reader.end()


@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\x00", "\ud800", "\u3000", "a\u2029b"])
def test_the_writer_writes_no_second_line_and_no_second_spelling(value: str) -> None:
    """A value cannot break out of its line."""
    with pytest.raises(TextError, match="cannot stand in a line"):
        TextWriter(KIND).line("name", value)


@pytest.mark.parametrize("name", ["", "Name", "a b", "1a", "a" * 33, "naïve", "a\n"])
def test_the_writer_refuses_what_is_no_name(name: str) -> None:
    """Names are small letters, digits and hyphens."""
    with pytest.raises(TextError, match="is no name"):
        TextWriter(KIND).line(name, "value")


def test_fields_are_spelt_by_their_type() -> None:
    """Bytes, days and numbers have their spelling; other types are a mistake of the caller."""
    writer = TextWriter(KIND).line("all", b"\xab", datetime.date(2026, 2, 3), 0, "free text")
    assert writer.to_bytes().endswith(b"\nall ab 2026-02-03 0 free text\n")
    for number in (-1, MAX_NUMBER + 1):
        with pytest.raises(TextError, match="not between"):
            writer.line("number", number)
    for other in (True, 1.5, None):
        with pytest.raises(AssertionError, match="internal error"):
            writer.line("other", other)


def test_a_run_of_lines_has_a_limit() -> None:
    """A format says how often a name may repeat, and a longer run is refused."""
    data = TextWriter(KIND).lines("part", [("a", 1), ("b", 2)]).to_bytes()
    reader = TextReader(data, KIND, 100)
    assert reader.take_all("none", 5) == []
    assert reader.take_all("part", 2) == ["a 1", "b 2"]
    with pytest.raises(TextError, match="more than 1 lines"):
        TextReader(data, KIND, 100).take_all("part", 1)


def test_the_last_field_may_hold_spaces() -> None:
    """Free text comes last in a line; every field before it is one word."""
    assert split_fields("a b c d", 3, "here") == ["a", "b", "c d"]
    for bad in ("a b", "a  b c", " a b c", "a b ", "a b  c"):
        with pytest.raises(TextError, match="here: expected 3 fields"):
            split_fields(bad, 3, "here")


def test_take_reads_each_kind_of_value() -> None:
    """Tokens, numbers, hashes, days and fields, each with its own check."""
    day = datetime.date(2026, 2, 3)
    writer = TextWriter(KIND).line("token", "a-1").line("number", 5).line("hash", bytes(32))
    reader = TextReader(writer.line("day", day).line("pair", "a b c").to_bytes(), KIND, 1000)
    assert reader.take_token("token") == "a-1"
    assert reader.take_number("number") == 5
    assert reader.take_hash("hash") == bytes(32)
    assert reader.take_day("day") == day
    assert reader.take_fields("pair", 2) == ["a", "b c"]
    reader.end()


@pytest.mark.parametrize(
    "text", ["", "-", "a-", ".a", "A", "a b", "a_b", "ä", "a" * 65, "a\n", "１"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """Ids are small ASCII letters, digits, dots and hyphens, with a letter or digit at each end."""
    with pytest.raises(TextError):
        check_token(text, "here")


def test_numbers_have_one_spelling() -> None:
    """Zero has one digit, no number has a sign or a leading zero, and a browser can hold each."""
    assert parse_number("0", "here") == 0
    assert parse_number(str(MAX_NUMBER), "here") == MAX_NUMBER
    for bad in ("", "00", "01", "+1", "-1", "1.0", "1e3", "1_000", " 1", "１", str(MAX_NUMBER + 1)):
        with pytest.raises(TextError):
            parse_number(bad, "here")


def test_hexadecimal_has_one_spelling() -> None:
    """Small letters, and exactly the length."""
    assert parse_hex("00ff", 2, "here") == b"\x00\xff"
    for bad in ("00FF", "00f", "00ff0", "00ff00", "00 ff", "0x00", "00fg", "00ff\n", ""):
        with pytest.raises(TextError):
            parse_hex(bad, 2, "here")


def test_days_have_one_spelling() -> None:
    """Only days that exist, only with four, two and two digits."""
    assert parse_day("2024-02-29", "here") == datetime.date(2024, 2, 29)
    for bad in ("2023-02-29", "2024-2-29", "20240229", "2024-W01-1", "0000-01-01", "2024-02-29\n"):
        with pytest.raises(TextError):
            parse_day(bad, "here")


@given(st.binary(max_size=100))
def test_base64_has_one_spelling(data: bytes) -> None:
    """Padded, without line ends, and the unused bits are zero."""
    text = to_base64(data)
    assert parse_base64(text, "here") == data
    for bad in (text + "\n", text + "=", "-" + text[1:], text.rstrip("=") + "_"):
        with pytest.raises(TextError):
            parse_base64(bad, "here")


def test_base64_with_stray_bits_is_refused() -> None:
    """These decode to the same byte in a lenient decoder."""
    assert parse_base64("/w==", "here") == b"\xff"
    for bad in ("/x==", "/w", "/w=", "/w==\n", "/w==AA==", "\u00e4w=="):
        with pytest.raises(TextError):
            parse_base64(bad, "here")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["comment"]))
def test_the_shared_vectors_are_read_alike(case: dict[str, str]) -> None:
    """The file that the browser's reader is held against holds for this one too."""
    data = bytes.fromhex(case["hex"])
    if case["expect"] == "ok":
        assert read(data) == (case["name"], int(case["count"]))
    else:
        with pytest.raises(TextError):
            read(data)

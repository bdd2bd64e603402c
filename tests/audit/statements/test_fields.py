"""The shapes of the fields that statements share."""

from collections.abc import Callable

import pytest

from dengwen_audit.statements.fields import (
    RECIPIENT_CHARS,
    check_compartment_name,
    check_jurisdiction_code,
    check_name,
    check_office,
    check_recipient,
    check_url,
    parse_key,
)
from dengwen_audit.text import TextError
from tests.small_office import make_cosigning_key, make_key, make_recipient

Check = Callable[[str, str], str]

GOOD: dict[Check, list[str]] = {
    check_office: ["dengwen.example/log", "localhost:8000/log", "x"],
    check_recipient: [make_recipient("anybody")],
    check_jurisdiction_code: ["CN", "CN-44", "CN-4401", "US-NY", "44"],
    check_compartment_name: ["petition", "identity", "message/1", "message/999999"],
    check_url: [
        "https://dengwen.example",
        "http://127.0.0.1:8000",
        "http://[::1]:8000/desk",
        "https://a.example/b/c.d/~e_f-g",
    ],
    check_name: ["登闻", "x" * 200],
}
BAD: dict[Check, list[str]] = {
    check_office: ["", "Dengwen.example/log", "other.example/", "a b", "a+b", "x" * 129, "登闻"],
    check_recipient: [
        make_recipient("anybody")[:-1],
        make_recipient("anybody") + "q",
        make_recipient("anybody").upper(),
        "age1pq1" + "b" * (RECIPIENT_CHARS - 7),
        "age1qq1" + "q" * (RECIPIENT_CHARS - 7),
        "",
    ],
    check_jurisdiction_code: ["cn", "-CN", "CN-", "CN--44", "CN 44", "X" * 33, ""],
    check_compartment_name: ["", "Petition", "message/0", "message/01", "message/", "../petition"],
    check_url: [
        "https://a.example/",
        "https://a.example/b/",
        "https://a.example//b",
        "https://a.example?b",
        "https://a.example/#b",
        "https://user@a.example",
        "https://A.example",
        "https://a.example/..",
        "https://a.example/../b",
        "https://a.example:0",
        "https://",
        "ftp://a.example",
        "//a.example",
        "https://a.example/" + "x" * 255,
    ],
    check_name: ["x" * 201],
}


@pytest.mark.parametrize(("check", "value"), [(c, v) for c, values in GOOD.items() for v in values])
def test_a_good_value_is_returned(check: Check, value: str) -> None:
    """A value of the shape is returned unchanged."""
    assert check(value, "test") == value


@pytest.mark.parametrize(("check", "value"), [(c, v) for c, values in BAD.items() for v in values])
def test_a_bad_value_is_refused_without_being_repeated(check: Check, value: str) -> None:
    """A value of another shape is refused, and the message does not hold it."""
    with pytest.raises(TextError) as refusal:
        check(value, "test")
    assert not value or value not in str(refusal.value)


def test_a_cosigning_key_signs_no_notes() -> None:
    """A key of the type that signs checkpoints cannot stand where notes are signed."""
    key = make_key("anybody").verification_key
    assert parse_key(key.to_text(), "test") == key
    with pytest.raises(TextError):
        parse_key(make_cosigning_key("anybody").verification_key.to_text(), "test")

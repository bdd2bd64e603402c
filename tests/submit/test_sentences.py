"""Every event and every finding has its words, in every language that the tools speak."""

import datetime
import string

import pytest

from dengwen_audit.event import EVENT_TYPES, OFFICE, PETITIONER, ROOTS, Event
from dengwen_audit.text import ZERO_HASH
from dengwen_submit.heads import Finding
from dengwen_submit.sentences import LINES, SENTENCES, line, sentence, spoken
from tests.small_office import make_seed

LANGUAGES = list(SENTENCES)


def _fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def test_every_type_of_event_has_a_sentence_in_every_language() -> None:
    """No event can happen that a petitioner is not told of in words."""
    assert LANGUAGES == ["en", "zh"] == list(LINES)
    for table in SENTENCES.values():
        assert set(table) == set(EVENT_TYPES)
        assert len(set(table.values())) == len(table)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_event_is_told_with_its_actor(name: str, language: str) -> None:
    """A member who acts is named; the office, the petitioner and the roots are understood."""
    kind = EVENT_TYPES[name]
    special = [actor for actor in kind.actors if actor in {OFFICE, PETITIONER, ROOTS}]
    case = ZERO_HASH if kind.of_office else make_seed("case")
    actor = special[0] if special else "member-7"
    day = datetime.date(2025, 1, 1)
    event = Event(name, case, 1, make_seed("previous"), actor, day, make_seed("s"), make_seed("c"))
    told = sentence(event, language)
    assert told.endswith("." if language == "en" else "。")
    assert "{" not in told
    if special:
        assert "{actor}" not in SENTENCES[language][name]


def test_the_lines_of_all_languages_are_the_same_lines() -> None:
    """The same names, with the same values to fill in; every finding among them."""
    english, chinese = LINES["en"], LINES["zh"]
    assert english.keys() == chinese.keys()
    assert set(Finding) <= english.keys()
    assert {n: _fields(t) for n, t in english.items()} == {
        n: _fields(t) for n, t in chinese.items()
    }


def test_chinese_is_chinese_throughout() -> None:
    """No line was forgotten in English."""
    for name, template in (*SENTENCES["zh"].items(), *LINES["zh"].items()):
        is_only_values = not template.translate(str.maketrans("", "", " .：")).strip("{}")
        rest = "".join(text for text, *_ in string.Formatter().parse(template))
        assert is_only_values or not any(c.isascii() and c.isalpha() for c in rest), name


@pytest.mark.parametrize(
    ("language", "encoding", "expected"),
    [
        ("zh", "utf-8", "zh"),
        ("zh-Hant", "utf-8", "zh"),
        ("ZH", "gb18030", "zh"),
        ("zh", None, "zh"),
        ("zh", "ascii", "en"),
        ("zh", "latin-1", "en"),
        ("zh", "no-such-encoding", "en"),
        ("en", "ascii", "en"),
        ("fr", "utf-8", "en"),
        ("", "utf-8", "en"),
    ],
)
def test_the_answer_is_in_a_language_that_the_terminal_can_show(
    language: str, encoding: str | None, expected: str
) -> None:
    """What cannot be shown is said in English, which everything can show."""
    assert spoken(language, encoding) == expected


def test_english_lines_are_ascii() -> None:
    """So that the last resort holds."""
    assert all(
        template.isascii() for template in (*SENTENCES["en"].values(), *LINES["en"].values())
    )


def test_a_line_is_filled_in() -> None:
    """Values stand where the language wants them."""
    assert line("en", Finding.BEHIND, count=1, total=3) == "has seen 1 of 3 events so far"
    assert line("zh", Finding.BEHIND, count=1, total=3) == "目前见到 3 条记录中的 1 条"

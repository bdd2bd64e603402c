"""Receipt words are handed over in a script that can be read, in a file that is whole."""

import stat
from pathlib import Path

import pytest

from dengwen_keys.words import Language
from dengwen_submit.cli.handover import new_file, word_list, write_words
from tests.vault.office import words_of


@pytest.mark.parametrize(
    ("language", "encoding", "expected"),
    [
        ("zh", "utf-8", "chinese_simplified"),
        ("zh-cn", "utf-8", "chinese_simplified"),
        ("zh-hans-tw", "utf-8", "chinese_traditional"),
        ("zh-hant", "utf-8", "chinese_traditional"),
        ("zh-hk", None, "chinese_traditional"),
        ("zh", "gb18030", "chinese_simplified"),
        ("zh", "ascii", "english"),
        ("zh", "latin-1", "english"),
        ("zh", "no-such-encoding", "english"),
        ("en", "utf-8", "english"),
        ("fr", "utf-8", "english"),
        ("zha", "utf-8", "english"),
    ],
)
def test_the_script_follows_from_the_language_and_the_terminal(
    language: str, encoding: str | None, expected: Language
) -> None:
    """Chinese for who writes Chinese and can see it, English for everybody else."""
    assert word_list(language, encoding) == expected


@pytest.mark.parametrize("language", ["en", "zh", "zh-tw"])
def test_written_words_are_the_same_words(tmp_path: Path, language: str) -> None:
    """In whichever script, they read as what they are."""
    path = tmp_path / "words.txt"
    with new_file(path) as file:
        write_words(words_of("first"), language, file)
    text = path.read_text(encoding="utf-8")
    assert type(words_of("first")).parse(text) == words_of("first")
    assert text.isascii() == (language == "en")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_new_file_is_whole_or_not_there(tmp_path: Path, failure: type[BaseException]) -> None:
    """Whatever goes wrong while it is written."""

    def fail() -> None:
        with new_file(tmp_path / "new") as file:
            file.write(b"half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Neither written nor removed."""
    path = tmp_path / "old"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError), new_file(path):
        pass
    assert path.read_bytes() == b"old"

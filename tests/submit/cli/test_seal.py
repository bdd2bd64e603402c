"""`dengwen-submit seal`: one sealed file, twelve words, and nothing else left anywhere."""

import datetime
import os
import re
import stat
from collections.abc import Sequence

import pytest

from dengwen_keys.petition_file import MAX_FILE_BYTES
from dengwen_keys.words import Words
from dengwen_submit.withdrawal import case_of
from tests.small_office import make_roster
from tests.submit.offline import IDENTITY, OFFICE_FILES, WORD, Offline, shown_words
from tests.vault.office import NOON

DAY = datetime.timedelta(days=1).total_seconds()


def test_a_petition_is_sealed_and_its_words_are_shown_once(offline: Offline) -> None:
    """The file is whole, its case is that of the words, and nothing but it was written."""
    shown = offline.seal()
    assert (shown.code, shown.err) == (0, "")
    assert offline.files() == sorted(["my.petition", *OFFICE_FILES, "petition.md"])
    sealed = offline.sealed()
    assert sealed.manifest.case == case_of(shown_words(shown.out))
    size = (offline.folder / "my.petition").stat().st_size
    assert shown.out.startswith(f"Sealed: my.petition, {size:,} bytes.\n")
    for id_ in sealed.manifest.panel:
        institution = make_roster().member(id_).institution
        name = {one.id: one.name for one in make_roster().institutions}[institution]
        assert f"  {id_}, {name} (" in shown.out
    assert "Whoever holds these words" in shown.out


def test_the_file_is_hers_alone_to_read(offline: Offline) -> None:
    """Other accounts of the machine cannot even copy it."""
    offline.seal("--words-out", "words.txt")
    for name in ("my.petition", "words.txt"):
        mode = (offline.folder / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_no_word_of_text_or_identity_is_left_in_the_open(offline: Offline) -> None:
    """Neither the sealed file nor anything printed repeats what was sealed, or her words."""
    offline.write("me.toml", IDENTITY)
    offline.write("proof.txt", "the photograph of the crack")
    shown = offline.seal(
        *("--identity", "me.toml", "--attach", "proof.txt"),
        *("--exclude", "jurisdiction:CN-4401", "--words-out", "words.txt"),
    )
    assert shown.code == 0
    text = (offline.folder / "words.txt").read_text()
    for name in ("petition.md", "me.toml", "proof.txt", "words.txt", "office/roster.txt"):
        (offline.folder / name).unlink()
    left = offline.everything(shown)
    for secret in (
        "above the",
        "水库大坝",
        "李秀英",
        "5550 1234",
        "朝阳区",
        "proof.txt",
        "CN-44",
        text,
    ):
        assert secret.strip().encode() not in left


def test_words_can_be_written_instead_of_shown(offline: Offline) -> None:
    """They are in the file and not on the screen."""
    shown = offline.seal("--words-out", "words.txt")
    words = Words.parse((offline.folder / "words.txt").read_text())
    assert offline.sealed().manifest.case == case_of(words)
    assert "The receipt words are in words.txt" in shown.out
    for word in words.to_text().split():
        assert f" {word}\n" not in shown.out


def test_two_petitions_have_nothing_in_common(offline: Offline) -> None:
    """Each has words and a case of its own."""
    first, second = offline.seal(), offline.seal(out="second.petition")
    assert shown_words(first.out) != shown_words(second.out)
    assert offline.sealed().manifest.case != offline.sealed("second.petition").manifest.case


@pytest.mark.parametrize(
    ("language", "word"),
    [("zh", "[一-鿿]"), ("zh-Hant", "[一-鿿]"), ("en", "[a-z]+"), ("fr", "[a-z]+")],
)
def test_words_are_in_the_script_of_the_petition(
    offline: Offline, language: str, word: str
) -> None:
    """Twelve Chinese characters, or twelve English words; both are read by every tool."""
    shown = offline.seal("--language", language)
    found = WORD.findall(shown.out)
    assert len(found) == 12
    assert all(re.fullmatch(word, one) for one in found)
    assert offline.sealed().manifest.case == case_of(shown_words(shown.out))


def test_chinese_is_answered_in_chinese(offline: Offline) -> None:
    """No line of English stands between a person and her words."""
    shown = offline.seal("--language", "zh")
    assert shown.out.startswith("已封好：my.petition，")
    assert "您的回执词。" in shown.out
    for english in ("Sealed", "words", "reviewers", "Whoever"):
        assert english not in shown.out


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
def test_a_terminal_without_chinese_shows_words_that_can_be_read(
    offline: Offline, charset: str
) -> None:
    """The same receipt is written in English letters; nothing is lost in question marks."""
    done = offline.run(
        *("seal", "petition.md", "--anonymous", "--out", "my.petition", "--language", "zh"),
        charset=charset,
    )
    assert done.code == 0
    assert offline.sealed().manifest.case == case_of(shown_words(done.out))
    assert all(word.isascii() for word in WORD.findall(done.out))


@pytest.mark.parametrize("tag", ["zh_CN", "ZH-cn", "en", "en-GB"])
def test_a_language_may_be_written_as_systems_write_it(offline: Offline, tag: str) -> None:
    """Case and underscores do not matter."""
    assert offline.seal("--language", tag).code == 0


@pytest.mark.parametrize("tag", ["Chinese language", "中文", "", "x", "zh--cn", "zh/cn"])
def test_a_language_that_is_none_is_refused(offline: Offline, tag: str) -> None:
    """Before anything is sealed."""
    shown = offline.seal("--language", tag)
    assert (shown.code, offline.files()) == (2, sorted([*OFFICE_FILES, "petition.md"]))
    assert "write a language tag" in shown.err


@pytest.mark.parametrize("existing", ["my.petition", "words.txt"])
def test_an_existing_file_is_never_replaced(offline: Offline, existing: str) -> None:
    """A petition or words of another case cannot be lost by a repeated command."""
    offline.write(existing, "something of hers")
    before = offline.files()
    shown = offline.seal("--words-out", "words.txt")
    assert shown.code == 2
    assert f"{existing} exists already: nothing was replaced" in shown.err
    assert offline.files() == before
    assert (offline.folder / existing).read_text() == "something of hers"


@pytest.mark.parametrize("existing", ["my.petition", "words.txt"])
def test_a_link_that_leads_nowhere_is_not_followed(offline: Offline, existing: str) -> None:
    """It is no file yet, but following it could write anywhere; it is left as it is."""
    (offline.folder / existing).symlink_to("elsewhere")
    shown = offline.seal("--words-out", "words.txt")
    assert shown.code == 1
    assert shown.err.startswith("Not done: ")
    assert os.readlink(offline.folder / existing) == "elsewhere"  # noqa: PTH115
    assert {"elsewhere", "my.petition"}.isdisjoint(offline.files())


def test_exclusions_are_kept_off_the_panel(offline: Offline) -> None:
    """Who is named, and everybody below a jurisdiction, is not drawn."""
    assert offline.seal("--exclude", "jurisdiction:CN-4401").code == 0
    assert "reviewer-3" not in offline.sealed().manifest.panel


REFUSED: dict[str, tuple[Sequence[str], int, str]] = {
    "an exclusion that leaves no panel": (
        ("--exclude", "jurisdiction:CN-44", "--exclude", "institution:charity"),
        1,
        "too few reviewers are left; look again at: jurisdiction:CN-44.",
    ),
    "an exclusion that names nobody": (
        ("--exclude", "institution:charitee"),
        1,
        "names nothing in the roster; look again at: institution:charitee",
    ),
    "an exclusion without a kind": (("--exclude", "CN-44"), 1, "not of the form jurisdiction:"),
    "both a name and none": (("--identity", "petition.md", "--anonymous"), 2, "give either"),
    "an office that was never fetched": (
        ("--office", "nowhere"),
        1,
        "fetch one with `dengwen-submit card`",
    ),
    "a folder that is not there": (("--words-out", "no/such/words.txt"), 1, "No such file"),
    "an identity that is no TOML": (("--identity", "petition.md"), 1, "is not TOML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_leaves_nothing_behind(offline: Offline, case: str) -> None:
    """No half-written file, no words, and a sentence that says what to change."""
    options, code, said = REFUSED[case]
    before = offline.files()
    shown = offline.seal(*options)
    assert shown.code == code
    assert said in shown.err
    assert shown.out == ""
    assert offline.files() == before


def test_a_file_that_is_too_large_once_sealed_is_refused(offline: Offline) -> None:
    """Its bucket counts, not its own length; what was begun is removed."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(MAX_FILE_BYTES - 100)
    shown = offline.seal("--attach", "film.mp4", "--words-out", "words.txt")
    assert shown.code == 1
    assert "the sealed file would be larger than 32 MiB" in shown.err
    assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_sealing_that_takes_long_shows_how_far_it_is(offline: Offline) -> None:
    """On standard error, so that a pipe gets only the answer; a small file needs none."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(5 << 20)
    long = offline.seal("--attach", "film.mp4")
    assert "Sealing" in long.err
    assert "Sealing" not in long.out
    offline.write("photo.jpg", b"x" * 1000)
    assert offline.seal("--attach", "photo.jpg", out="small.petition").err == ""


def test_a_full_disk_leaves_no_half_file(offline: Offline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the petition nor the words are there; the words were shown to nobody."""

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    for options in ((), ("--words-out", "words.txt")):
        shown = offline.seal(*options)
        assert (shown.code, shown.out) == (1, "")
        assert "No space left on device" in shown.err
        assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_an_interrupted_sealing_leaves_no_half_file(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is heard at any moment."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dengwen_submit.cli.seal.seal_to", interrupt)
    shown = offline.seal("--words-out", "words.txt")
    assert (shown.code, shown.out) == (1, "")
    assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_an_old_office_is_sealed_to_only_if_she_says_so(
    offline: Offline,
) -> None:
    """The refusal says what to do with a network and without one; the help says what it means."""
    offline.set_clock(NOON + 8 * DAY)
    refused = offline.seal()
    assert (refused.code, refused.out) == (1, "")
    assert "what this folder knows of the office is 8 days old" in refused.err
    assert "fetch the office anew with `dengwen-submit card`" in refused.err
    assert "see --stale-office" in refused.err
    assert "my.petition" not in offline.files()
    assert offline.seal("--stale-office").code == 0
    told = " ".join(offline.run("seal", "--help").out.split())
    assert "A reviewer who was dismissed since may be on the panel" in told


def test_nobody_seals_to_a_roster_that_has_ended(offline: Offline) -> None:
    """Not even who says so: the office might not be able to open it."""
    offline.set_clock(NOON + 30 * DAY)
    shown = offline.seal("--stale-office")
    assert shown.code == 1
    assert "the roster is not in force today" in shown.err
    assert "--stale-office" not in shown.err
    assert "my.petition" not in offline.files()

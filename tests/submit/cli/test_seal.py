"""`dengwen-submit seal`: one sealed file, twelve words, and nothing else left anywhere."""

import dataclasses
import datetime
import os
import re
import stat
from collections.abc import Sequence

import pytest

from dengwen_keys.petition_file import MAX_POST_BYTES, SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.withdrawal import case_of
from tests.small_office import make_roster
from tests.submit.office_files import FilesRecipe
from tests.submit.terminal import Shown, Terminal
from tests.vault.office import NOON

TEXT = "The dam above the village leaks.\n\n水库大坝渗水。\n"
IDENTITY = 'name = "李秀英"\ncontact = "+86 10 5550 1234"\naddress = """北京市\n朝阳区"""\n'
OFFICE_FILES = ["office/card.txt", "office/latest.tlog-proof", "office/roster.txt"]
WORD = re.compile(r"^ +\d+\. (\S+)$", re.MULTILINE)
DAY = datetime.timedelta(days=1).total_seconds()


@pytest.fixture
def offline(terminal: Terminal) -> Terminal:
    """Give a terminal with a pinned office and a text to seal, and no network."""
    FilesRecipe().make().write(terminal.folder / "office")
    terminal.write("petition.md", TEXT)
    _set_clock(terminal, NOON)
    return terminal


def _set_clock(terminal: Terminal, now: float) -> None:
    terminal.surroundings = dataclasses.replace(terminal.surroundings, clock=lambda: now)


def _seal(terminal: Terminal, *options: str, out: str = "my.petition") -> Shown:
    who = () if "--identity" in options else ("--anonymous",)
    return terminal.run("seal", "petition.md", *who, "--out", out, *options)


def _words(shown: Shown) -> Words:
    return Words.parse(" ".join(WORD.findall(shown.out)))


def _sealed(terminal: Terminal, name: str = "my.petition") -> SealedPetition:
    return SealedPetition.parse((terminal.folder / name).read_bytes())


def test_a_petition_is_sealed_and_its_words_are_shown_once(offline: Terminal) -> None:
    """The file is whole, its case is that of the words, and nothing but it was written."""
    shown = _seal(offline)
    assert (shown.code, shown.err) == (0, "")
    assert offline.files() == sorted(["my.petition", *OFFICE_FILES, "petition.md"])
    sealed = _sealed(offline)
    assert sealed.manifest.case == case_of(_words(shown))
    size = (offline.folder / "my.petition").stat().st_size
    assert shown.out.startswith(f"Sealed: my.petition, {size:,} bytes.\n")
    for id_ in sealed.manifest.panel:
        institution = make_roster().member(id_).institution
        name = {one.id: one.name for one in make_roster().institutions}[institution]
        assert f"  {id_}, {name} (" in shown.out
    assert "Whoever holds these words" in shown.out


def test_the_file_is_hers_alone_to_read(offline: Terminal) -> None:
    """Other accounts of the machine cannot even copy it."""
    _seal(offline, "--words-out", "words.txt")
    for name in ("my.petition", "words.txt"):
        mode = (offline.folder / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_no_word_of_text_or_identity_is_left_in_the_open(offline: Terminal) -> None:
    """Neither the sealed file nor anything printed repeats what was sealed, or her words."""
    offline.write("me.toml", IDENTITY)
    offline.write("proof.txt", "the photograph of the crack")
    shown = _seal(
        offline,
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


def test_words_can_be_written_instead_of_shown(offline: Terminal) -> None:
    """They are in the file and not on the screen."""
    shown = _seal(offline, "--words-out", "words.txt")
    words = Words.parse((offline.folder / "words.txt").read_text())
    assert _sealed(offline).manifest.case == case_of(words)
    assert "The receipt words are in words.txt" in shown.out
    for word in words.to_text().split():
        assert f" {word}\n" not in shown.out


def test_two_petitions_have_nothing_in_common(offline: Terminal) -> None:
    """Each has words and a case of its own."""
    first, second = _seal(offline), _seal(offline, out="second.petition")
    assert _words(first) != _words(second)
    assert _sealed(offline).manifest.case != _sealed(offline, "second.petition").manifest.case


def test_named_and_anonymous_files_are_equally_long(offline: Terminal) -> None:
    """Nobody on the way can tell who gave a name."""
    offline.write("me.toml", IDENTITY)
    assert _seal(offline).code == 0
    assert _seal(offline, "--identity", "me.toml", out="named.petition").code == 0
    sizes = {(offline.folder / name).stat().st_size for name in ("my.petition", "named.petition")}
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("language", "word"),
    [("zh", "[一-鿿]"), ("zh-Hant", "[一-鿿]"), ("en", "[a-z]+"), ("fr", "[a-z]+")],
)
def test_words_are_in_the_script_of_the_petition(
    offline: Terminal, language: str, word: str
) -> None:
    """Twelve Chinese characters, or twelve English words; both are read by every tool."""
    shown = _seal(offline, "--language", language)
    found = WORD.findall(shown.out)
    assert len(found) == 12
    assert all(re.fullmatch(word, one) for one in found)
    assert _sealed(offline).manifest.case == case_of(_words(shown))


def test_chinese_is_answered_in_chinese(offline: Terminal) -> None:
    """No line of English stands between a person and her words."""
    shown = _seal(offline, "--language", "zh")
    assert shown.out.startswith("已封好：my.petition，")
    assert "您的回执词。" in shown.out
    for english in ("Sealed", "words", "reviewers", "Whoever"):
        assert english not in shown.out


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
def test_a_terminal_without_chinese_shows_words_that_can_be_read(
    offline: Terminal, charset: str
) -> None:
    """The same receipt is written in English letters; nothing is lost in question marks."""
    done = offline.run(
        *("seal", "petition.md", "--anonymous", "--out", "my.petition", "--language", "zh"),
        charset=charset,
    )
    assert done.code == 0
    assert _sealed(offline).manifest.case == case_of(_words(done))
    assert all(word.isascii() for word in WORD.findall(done.out))


@pytest.mark.parametrize("tag", ["zh_CN", "ZH-cn", "en", "en-GB"])
def test_a_language_may_be_written_as_systems_write_it(offline: Terminal, tag: str) -> None:
    """Case and underscores do not matter."""
    assert _seal(offline, "--language", tag).code == 0


@pytest.mark.parametrize("tag", ["Chinese language", "中文", "", "x", "zh--cn", "zh/cn"])
def test_a_language_that_is_none_is_refused(offline: Terminal, tag: str) -> None:
    """Before anything is sealed."""
    shown = _seal(offline, "--language", tag)
    assert (shown.code, offline.files()) == (2, sorted([*OFFICE_FILES, "petition.md"]))
    assert "write a language tag" in shown.err


@pytest.mark.parametrize("existing", ["my.petition", "words.txt"])
def test_an_existing_file_is_never_replaced(offline: Terminal, existing: str) -> None:
    """A petition or words of another case cannot be lost by a repeated command."""
    offline.write(existing, "something of hers")
    before = offline.files()
    shown = _seal(offline, "--words-out", "words.txt")
    assert shown.code == 2
    assert f"{existing} exists already: nothing was replaced" in shown.err
    assert offline.files() == before
    assert (offline.folder / existing).read_text() == "something of hers"


@pytest.mark.parametrize("existing", ["my.petition", "words.txt"])
def test_a_link_that_leads_nowhere_is_not_followed(offline: Terminal, existing: str) -> None:
    """It is no file yet, but following it could write anywhere; it is left as it is."""
    (offline.folder / existing).symlink_to("elsewhere")
    shown = _seal(offline, "--words-out", "words.txt")
    assert shown.code == 1
    assert shown.err.startswith("Not done: ")
    assert os.readlink(offline.folder / existing) == "elsewhere"  # noqa: PTH115
    assert {"elsewhere", "my.petition"}.isdisjoint(offline.files())


def test_exclusions_are_kept_off_the_panel(offline: Terminal) -> None:
    """Who is named, and everybody below a jurisdiction, is not drawn."""
    assert _seal(offline, "--exclude", "jurisdiction:CN-4401").code == 0
    assert "reviewer-3" not in _sealed(offline).manifest.panel


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
def test_a_refusal_leaves_nothing_behind(offline: Terminal, case: str) -> None:
    """No half-written file, no words, and a sentence that says what to change."""
    options, code, said = REFUSED[case]
    before = offline.files()
    shown = _seal(offline, *options)
    assert shown.code == code
    assert said in shown.err
    assert shown.out == ""
    assert offline.files() == before


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("name = 7\n", "must hold a name"),
        ('name = ""\n', "must hold a name"),
        ('name = " "\ncontact = "x"\n', "must hold a name"),
        ('contact = "x"\n', "must hold a name"),
        ('name = "x"\nphone = "x"\n', "must hold a name"),
        ('name = "x"\nname = "y"\n', "is not TOML"),
        (b'name = "\xff"\n', "is not TOML"),
        (f'name = "{"x" * 1100}"\n', "longer than 1016 bytes"),
        ('name = "x\\u0007"\n', "cannot stand in a line"),
    ],
)
def test_an_identity_that_cannot_be_sealed_is_refused(
    offline: Terminal, identity: str | bytes, said: str
) -> None:
    """The message says what is wrong and repeats nothing of it."""
    offline.write("me.toml", identity)
    shown = _seal(offline, "--identity", "me.toml")
    assert (shown.code, shown.out) == (1, "")
    assert said in shown.err
    assert "my.petition" not in offline.files()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the text is empty"),
        (b" \r\n\t\n", "the text is empty"),
        ("水库".encode("gb18030"), "not UTF-8"),
        (b"The dam\x00leaks", "a control character"),
        (b"x" * 700_000, "longer than"),
    ],
)
def test_a_text_that_cannot_be_sealed_is_refused(offline: Terminal, text: bytes, said: str) -> None:
    """Nothing is sealed that the reviewer could not read."""
    offline.write("petition.md", text)
    shown = _seal(offline)
    assert (shown.code, shown.out) == (1, "")
    assert said in shown.err
    assert "my.petition" not in offline.files()


@pytest.mark.parametrize("text", ["\ufeffThe dam leaks.\r\n", "\ufeff水库\n", "a\r\nb\rc\n"])
def test_a_text_of_any_editor_is_sealed(offline: Terminal, text: str) -> None:
    """Marks at the beginning and line ends of other systems are no obstacle."""
    offline.write("petition.md", text)
    offline.write("me.toml", "\ufeff" + IDENTITY)
    assert _seal(offline, "--identity", "me.toml").code == 0


def test_files_that_no_office_would_take_are_refused_before_sealing(offline: Terminal) -> None:
    """She learns it now, and not after an hour of sending."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(MAX_POST_BYTES + 1)
    shown = _seal(offline, "--attach", "film.mp4")
    assert (shown.code, shown.out) == (1, "")
    assert "larger than the 32 MiB that an office takes" in shown.err
    assert "my.petition" not in offline.files()


def test_a_file_that_is_too_large_once_sealed_is_refused(offline: Terminal) -> None:
    """Its bucket counts, not its own length; what was begun is removed."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(MAX_POST_BYTES - 100)
    shown = _seal(offline, "--attach", "film.mp4", "--words-out", "words.txt")
    assert shown.code == 1
    assert "the sealed file would be larger than 32 MiB" in shown.err
    assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_sealing_that_takes_long_shows_how_far_it_is(offline: Terminal) -> None:
    """On standard error, so that a pipe gets only the answer; a small file needs none."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(5 << 20)
    long = _seal(offline, "--attach", "film.mp4")
    assert "Sealing" in long.err
    assert "Sealing" not in long.out
    offline.write("photo.jpg", b"x" * 1000)
    assert _seal(offline, "--attach", "photo.jpg", out="small.petition").err == ""


def test_a_full_disk_leaves_no_half_file(
    offline: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the petition nor the words are there; the words were shown to nobody."""

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    for options in ((), ("--words-out", "words.txt")):
        shown = _seal(offline, *options)
        assert (shown.code, shown.out) == (1, "")
        assert "No space left on device" in shown.err
        assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_an_interrupted_sealing_leaves_no_half_file(
    offline: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is heard at any moment."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dengwen_submit.cli.seal.seal_to", interrupt)
    shown = _seal(offline, "--words-out", "words.txt")
    assert (shown.code, shown.out) == (1, "")
    assert {"my.petition", "words.txt"}.isdisjoint(offline.files())


def test_an_old_office_is_sealed_to_only_if_she_says_so(
    offline: Terminal,
) -> None:
    """The refusal says what to do with a network and without one; the help says what it means."""
    _set_clock(offline, NOON + 8 * DAY)
    refused = _seal(offline)
    assert (refused.code, refused.out) == (1, "")
    assert "what this folder knows of the office is 8 days old" in refused.err
    assert "fetch the office anew with `dengwen-submit card`" in refused.err
    assert "see --stale-office" in refused.err
    assert "my.petition" not in offline.files()
    assert _seal(offline, "--stale-office").code == 0
    told = " ".join(offline.run("seal", "--help").out.split())
    assert "A reviewer who was dismissed since may be on the panel" in told


def test_nobody_seals_to_a_roster_that_has_ended(offline: Terminal) -> None:
    """Not even who says so: the office might not be able to open it."""
    _set_clock(offline, NOON + 30 * DAY)
    shown = _seal(offline, "--stale-office")
    assert shown.code == 1
    assert "the roster is not in force today" in shown.err
    assert "--stale-office" not in shown.err
    assert "my.petition" not in offline.files()


def test_attachments_keep_their_names_and_types_inside(offline: Terminal) -> None:
    """Only the number and the buckets of files can be seen from outside."""
    for name in ("outfall.jpg", "notes.unknown-kind"):
        offline.write(name, b"x" * 100)
    assert _seal(offline, "--attach", "outfall.jpg", "--attach", "notes.unknown-kind").code == 0
    names = [part.name for part in _sealed(offline).manifest.parts]
    assert names[-2:] == ["attachment/1", "attachment/2"]
    assert b"outfall" not in (offline.folder / "my.petition").read_bytes()


@pytest.mark.parametrize("name", ["a\u202egpj.exe", " photo.jpg"])
def test_a_file_name_that_could_deceive_is_refused(offline: Terminal, name: str) -> None:
    """The reviewer will see the name; it must be what it looks like."""
    offline.write(name, b"x")
    shown = _seal(offline, "--attach", name)
    assert (shown.code, shown.out) == (1, "")
    assert "not a plain file name" in shown.err
    assert "my.petition" not in offline.files()

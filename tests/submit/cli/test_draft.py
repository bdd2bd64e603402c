"""What may be sealed: any text and any files, as long as a reviewer can read them."""

import pytest

from dengwen_keys.petition_file import MAX_FILE_BYTES
from tests.submit.offline import IDENTITY, Offline


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
    offline: Offline, identity: str | bytes, said: str
) -> None:
    """The message says what is wrong and repeats nothing of it."""
    offline.write("me.toml", identity)
    shown = offline.seal("--identity", "me.toml")
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
def test_a_text_that_cannot_be_sealed_is_refused(offline: Offline, text: bytes, said: str) -> None:
    """Nothing is sealed that the reviewer could not read."""
    offline.write("petition.md", text)
    shown = offline.seal()
    assert (shown.code, shown.out) == (1, "")
    assert said in shown.err
    assert "my.petition" not in offline.files()


@pytest.mark.parametrize("text", ["\ufeffThe dam leaks.\r\n", "\ufeff水库\n", "a\r\nb\rc\n"])
def test_a_text_of_any_editor_is_sealed(offline: Offline, text: str) -> None:
    """Marks at the beginning and line ends of other systems are no obstacle."""
    offline.write("petition.md", text)
    offline.write("me.toml", "\ufeff" + IDENTITY)
    assert offline.seal("--identity", "me.toml").code == 0


def test_files_that_no_office_would_take_are_refused_before_sealing(offline: Offline) -> None:
    """She learns it now, and not after an hour of sending."""
    with (offline.folder / "film.mp4").open("wb") as film:
        film.truncate(MAX_FILE_BYTES + 1)
    shown = offline.seal("--attach", "film.mp4")
    assert (shown.code, shown.out) == (1, "")
    assert "larger than the 32 MiB that an office takes" in shown.err
    assert "my.petition" not in offline.files()


def test_attachments_keep_their_names_and_types_inside(offline: Offline) -> None:
    """Only the number and the buckets of files can be seen from outside."""
    for name in ("outfall.jpg", "notes.unknown-kind"):
        offline.write(name, b"x" * 100)
    assert offline.seal("--attach", "outfall.jpg", "--attach", "notes.unknown-kind").code == 0
    names = [part.name for part in offline.sealed().manifest.parts]
    assert names[-2:] == ["attachment/1", "attachment/2"]
    assert b"outfall" not in (offline.folder / "my.petition").read_bytes()


@pytest.mark.parametrize("name", ["a\u202egpj.exe", " photo.jpg"])
def test_a_file_name_that_could_deceive_is_refused(offline: Offline, name: str) -> None:
    """The reviewer will see the name; it must be what it looks like."""
    offline.write(name, b"x")
    shown = offline.seal("--attach", name)
    assert (shown.code, shown.out) == (1, "")
    assert "not a plain file name" in shown.err
    assert "my.petition" not in offline.files()


def test_named_and_anonymous_files_are_equally_long(offline: Offline) -> None:
    """Nobody on the way can tell who gave a name."""
    offline.write("me.toml", IDENTITY)
    assert offline.seal().code == 0
    assert offline.seal("--identity", "me.toml", out="named.petition").code == 0
    sizes = {(offline.folder / name).stat().st_size for name in ("my.petition", "named.petition")}
    assert len(sizes) == 1

"""The commands on real terminals and pipes: any encoding, asked back, and little to load."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.withdrawal import case_of
from tests.patience import PATIENCE
from tests.submit.office_files import files_of
from tests.submit.offline import WORD, shown_words

COMMAND = str(Path(sys.executable).with_name("dengwen-submit"))
SEAL = ["seal", "petition.md", "--anonymous", "--out", "my.petition", "--language", "zh"]
ENVIRONMENTS = {
    "the C locale": {"LANG": "C", "LC_ALL": "C"},
    "the C locale without Python's help": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "Western Europe": {"PYTHONIOENCODING": "latin-1"},
    "China": {"PYTHONIOENCODING": "gb18030"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with an office that is in force now, and a text."""
    files_of(time.time()).write(tmp_path / "office")
    (tmp_path / "petition.md").write_text("水库大坝渗水。\n", encoding="utf-8")
    return tmp_path


def _environment(**changes: str) -> dict[str, str]:
    kept = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    return {name: os.environ[name] for name in kept if name in os.environ} | changes


def _case_in(folder: Path) -> bytes:
    return SealedPetition.parse((folder / "my.petition").read_bytes()).manifest.case


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_pipe_of_any_encoding_gets_readable_words(folder: Path, name: str) -> None:
    """A petition in Chinese is sealed on a machine that knows none; the words are not lost."""
    done = subprocess.run(
        [COMMAND, *SEAL],
        cwd=folder,
        env=_environment(**ENVIRONMENTS[name]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("gb18030" if name == "China" else "utf-8", "replace")
    assert case_of(shown_words(shown)) == _case_in(folder)


def _read_until(terminal: int, ending: str) -> str:
    """Read what a terminal shows until a prompt."""
    shown = b""
    while not shown.decode("utf-8", "replace").endswith(ending):
        assert select.select([terminal], [], [], 3 * PATIENCE)[0], shown
        shown += os.read(terminal, 65536)
    return shown.decode()


def test_at_a_terminal_two_words_are_asked_back_and_the_screen_is_cleared(folder: Path) -> None:
    """Who has not written them down notices now; who looks over her shoulder later sees none."""
    ours, theirs = pty.openpty()
    command = [COMMAND, *SEAL[:-2]]
    environment = _environment(TERM="xterm", LC_ALL="C.UTF-8")
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        words = WORD.findall(_read_until(ours, "Type word 3: "))
        os.write(ours, b"wrong\n")
        assert "That is not the word: look again." in _read_until(ours, "Type word 3: ")
        os.write(ours, f"{words[2].upper()}\n".encode())
        _read_until(ours, "Type word 9: ")
        os.write(ours, f"{words[8]}\n".encode())
        assert process.wait(PATIENCE) == 0
        rest = os.read(ours, 65536).decode()
        os.close(ours)
    assert rest.endswith("\x1b[2J\x1b[1;1H")
    assert case_of(Words.parse(" ".join(words))) == _case_in(folder)


def test_sealing_loads_no_server_and_no_database(folder: Path) -> None:
    """A petitioner's machine needs none of what an office runs."""
    program = (
        "import sys\n"
        "from dengwen_submit.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'flask', 'werkzeug', 'sqlalchemy', 'waitress', 'alembic'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *SEAL],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"

"""The demo as a stranger runs it: real commands, real processes, real sockets on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.demo import EXAMPLES_SEALED, IDENTITIES
from tests.patience import PATIENCE, wait_until

DEMO = Path(__file__).resolve().parent.parent.parent / "scripts" / "demo.py"
SECONDS = 600  # a slow machine under other load; `make bench` holds the promised time
SERVERS = ("door", "desk", "sequencer", "gatekeeper-law", "mirror-court")

# What each server must never have in memory, however long it ran.
OPENS, SEALS = "dengwen_keys.opening", "dengwen_keys.sealing"
IDENTITIES_MODULE = "dengwen_keys.age.identities"
NO_SERVER = ("dengwen-vault sequence", "workers.py vault")
NEVER_LOADED = {
    "dengwen-submit serve": (OPENS, SEALS, IDENTITIES_MODULE),
    "workers.py vault": (OPENS, SEALS, IDENTITIES_MODULE),
    "dengwen-vault serve": (OPENS, SEALS, IDENTITIES_MODULE),
    "dengwen-vault sequence": (OPENS, SEALS, IDENTITIES_MODULE),
    "dengwen-keys gatekeeper": (OPENS, SEALS, "dengwen_vault.vault"),
    "dengwen-audit mirror": (OPENS, SEALS, "dengwen_keys", "dengwen_vault"),
}
# Python runs this at the start of every process of the demo: each writes, when it ends, what it is
# and what it had loaded.
AT_THE_END = """
import atexit, json, os, pathlib, sys

def tell():
    command = " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:2]])
    told = json.dumps({"command": command, "modules": sorted(sys.modules)})
    pathlib.Path(os.environ["DENGWEN_LOADED"], f"{os.getpid()}.json").write_text(told)

atexit.register(tell)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play the demo once, and return the folder with everything that it left."""
    folder = tmp_path_factory.mktemp("demo") / "town"
    watch, loaded = folder.with_name("watch"), folder.with_name("loaded")
    watch.mkdir()
    loaded.mkdir()
    (watch / "sitecustomize.py").write_text(AT_THE_END)
    done = subprocess.run(
        [sys.executable, DEMO, "--folder", folder],
        env=os.environ | {"PYTHONPATH": str(watch), "DENGWEN_LOADED": str(loaded)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Everything went as told" in done.stdout
    assert _left_behind(folder) == []
    return folder


def test_the_demo_goes_as_told_and_leaves_no_process(town: Path) -> None:
    """The main job is played from the first key to the auditor's report."""
    assert (town / "receipts-river" / "001-petition.received.tlog-proof").is_file()


@pytest.mark.parametrize("server", SERVERS)
def test_what_the_servers_logged_says_nothing_of_anybody(town: Path, server: str) -> None:
    """The real logs of the whole journey: no word, no name, no case, no address, no hour."""
    log = (town / f"{server}.log").read_text(encoding="utf-8")
    assert log
    for secret in _secrets(town):
        assert secret not in log
    assert not re.search(r"\b[0-9a-f]{16,}\b", log), "a hash, which may be a case"
    assert not re.search(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", log), "an address"
    assert not re.search(r"\d{1,2}:\d{2}", log), "a time of day"
    assert "Traceback" not in log


@pytest.mark.parametrize("command", NEVER_LOADED)
def test_a_server_never_loads_what_opens(town: Path, command: str) -> None:
    """What each server process really had in memory when it ended, after all that it did."""
    told = [json.loads(path.read_text()) for path in (town.parent / "loaded").iterdir()]
    ended = [set(process["modules"]) for process in told if process["command"] == command]
    assert ended, "the server ran, and ended in an orderly way"
    for modules in ended:
        assert "dengwen_audit.serving" in modules or command in NO_SERVER
        assert modules.isdisjoint(NEVER_LOADED[command])


def test_the_watch_sees_who_opens(town: Path) -> None:
    """The reviewer's own command does load it, so the watch would have seen a server do so."""
    told = [json.loads(path.read_text()) for path in (town.parent / "loaded").iterdir()]
    openers = {process["command"] for process in told if OPENS in process["modules"]}
    assert "dengwen-keys open" in openers


def test_the_vault_at_rest_holds_no_plaintext(town: Path) -> None:
    """Whoever carries the data folder away carries no word of a petition, and no name."""
    taken = b"".join(path.read_bytes() for path in (town / "vault").rglob("*") if path.is_file())
    for secret in _secrets(town):
        assert secret.encode() not in taken


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    """Interrupted while everything runs, the demo stops every server and says so."""
    folder = tmp_path / "town"
    # What a script starts in the background ignores Ctrl-C, and so do the tests it runs, and all
    # that they start, unless somebody listens to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        demo = subprocess.Popen(
            [sys.executable, DEMO, "--folder", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert demo.stdout is not None
    for line in demo.stdout:
        if b"Seven processes run" in line:
            break
    assert _left_behind(folder) != []
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 130
    assert b"no process is left behind" in said
    assert _left_behind(folder) == []


def test_a_killed_demo_takes_its_servers_with_it(tmp_path: Path) -> None:
    """Killed without warning, the demo still leaves nothing that listens."""
    folder = tmp_path / "town"
    demo = subprocess.Popen([sys.executable, DEMO, "--folder", folder], stdout=subprocess.PIPE)
    assert demo.stdout is not None
    for line in demo.stdout:
        if b"Seven processes run" in line:
            break
    demo.kill()
    demo.communicate()
    wait_until(lambda: _left_behind(folder) == [], lambda: _left_behind(folder), pause=0.1)


def _secrets(town: Path) -> list[str]:
    """Return what must not be found: words, names, cases and lines of the petitions."""
    words = [(town / f"{example.name}.words").read_text().strip() for example in EXAMPLES_SEALED]
    told = re.findall(r'"([^"]+)"', " ".join(IDENTITIES.values()))
    texts = (example.text for example in EXAMPLES_SEALED)
    lines = [
        line
        for text in texts
        for line in (DEMO.parent.parent / "examples" / text).read_text().splitlines()
        if len(line) > 12
    ]
    return [*words, *told, *lines]


def _left_behind(folder: Path) -> list[int]:
    """Return the processes that work in *folder*."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                works_in = (process / "cwd").resolve(strict=True)
            except OSError:
                continue
            if works_in == folder.resolve():
                found.append(int(process.name))
    return found

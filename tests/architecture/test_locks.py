"""Lock files hold names, versions and hashes: no address, and no path of any machine."""

import re
import tomllib

import pytest

from tests.architecture.tree import read

LOCKS = ("requirements/dev.lock", "requirements/server.lock", "package-lock.json")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
ADDRESS = re.compile(r"\w+://|\bhttps?:|\bfile:")
ABSOLUTE_PATH = re.compile(r'(?:^|[\s"=:@])/\w')


def _pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall(read(lock)))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_holds_no_address_and_no_path(lock: str) -> None:
    """Whoever installs decides from where; the hash decides what."""
    found = [
        line
        for line in read(lock).splitlines()
        if ADDRESS.search(line) or ABSOLUTE_PATH.search(line)
    ]
    assert read(lock)
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://pypi.example/simple",
        "--find-links /opt/wheels",
        "--find-links=/opt/wheels",
        "dengwen @ file:///opt/dengwen",
        '"resolved": "http://registry.example/x.tgz",',
        '"resolved": "file:../x"',
        "# via -r /opt/in.txt",
    ],
)
def test_the_rule_sees_addresses_and_paths(line: str) -> None:
    """Each way in which a lock file could name a place is found."""
    assert ADDRESS.search(line) or ABSOLUTE_PATH.search(line)


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_every_python_pin_carries_a_hash(lock: str) -> None:
    """No requirement stands in a lock without at least one SHA-256."""
    blocks = re.split(r"\n(?=\S)", read(lock))
    pins = [block for block in blocks if not block.startswith("#")]
    assert len(pins) == len(_pins(lock))
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_every_npm_package_carries_a_hash() -> None:
    """Every package but our own has an integrity line."""
    lock = read("package-lock.json")
    assert lock.count('"version":') == lock.count('"integrity": "sha512-') > 0


def test_the_server_lock_is_a_part_of_the_dev_lock() -> None:
    """Tests run on the versions that servers run."""
    server, dev = _pins("requirements/server.lock"), _pins("requirements/dev.lock")
    assert server.items() <= dev.items()


def test_every_dependency_is_locked() -> None:
    """A requirement added to pyproject.toml without `make lock` is found here."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    names = {
        re.split(r"[\[<>=~! ]", requirement)[0]
        for requirement in [*project["dependencies"], *extras["server"], *extras["dev"]]
    }
    assert names <= _pins("requirements/dev.lock").keys()

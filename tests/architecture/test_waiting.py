"""House rule about time in tests: one patience for everything, so that no machine is too slow."""

import re

from tests.architecture.tree import files, read

HERE = "tests/architecture/test_waiting.py"
# A limit of a test's own, in figures: for an answer, an event, a thread, a process, a deadline.
OWN_LIMIT = re.compile(
    r"\btimeout=\d"
    r"|\.(?:wait|join|result)\(\d"
    r"|\bmonotonic\(\) \+ [\d.]+(?![\d.]| \*)"
    r"|\bmonotonic\(\) - \w+ <"
    r"|\bsettimeout\([1-9]"
    r"|\bperf_counter\(\) - \w+ <"
)
ALLOWED = {
    ("tests/faults/watch.py", "timeout=0"),  # whoever is away is asked again
}


def _found(name: str, text: str) -> list[str]:
    """Return the lines that hold a limit of their own."""
    return [
        f"{name}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        for found in OWN_LIMIT.findall(line)
        if (name, found) not in ALLOWED
    ]


def test_no_test_has_a_limit_of_its_own() -> None:
    """It takes `PATIENCE`, or `wait_until`; a test that passes does not wait for it."""
    names = [str(path) for path in files() if path.suffix == ".py" and path.parts[0] == "tests"]
    assert [line for name in names if name != HERE for line in _found(name, read(name))] == []


def test_the_rule_sees_what_it_should() -> None:
    """It finds limits in figures, and leaves the common one in peace."""
    for bad in (
        "requests.get(url, timeout=5)",
        "assert ready.wait(5)",
        "thread.join(10)",
        "first.result(60)",
        "deadline = time.monotonic() + 20",
        "assert time.monotonic() - began < WITHIN",
        "client.settimeout(2)",
    ):
        assert _found("tests/some.py", bad), bad
    for good in (
        "requests.get(url, timeout=PATIENCE)",
        "assert ready.wait(PATIENCE)",
        "thread.join()",
        "deadline = time.monotonic() + PATIENCE",
        "deadline = time.monotonic() + 2 * PATIENCE",
        "session.get(url, timeout=0.5)",
    ):
        assert not _found("tests/faults/watch.py", good), good

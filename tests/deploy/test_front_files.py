"""What everybody may have comes from nginx as it would come from the door, header by header."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from dengwen_submit.public_files import is_public
from tests.deploy.authority import DOOR
from tests.deploy.conftest import Fronted
from tests.deploy.front import HOST
from tests.patience import PATIENCE

pytestmark = pytest.mark.deploy

Answer = tuple[int, dict[str, str], bytes]
# What nginx adds of its own, and what it leaves out: a validator of its own would differ from the
# door's, which is the content's hash, and would be the same for two files of one second.
ITS_OWN = {"server", "date", "connection", "strict-transport-security"}
LEFT_OUT = {"etag"}
UNCHANGING = "public, max-age=31536000, immutable"


def _read(connection: http.client.HTTPConnection, method: str, path: str, **more: str) -> Answer:
    connection.request(method, path, headers=more)
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert len(headers) == len(answer.getheaders()), "a header came twice"
    body = answer.read()
    connection.close()
    return answer.status, headers, body


def _both(fronted: Fronted, method: str, path: str, **more: str) -> tuple[Answer, Answer]:
    """Ask the door, and nginx before it; return both answers without what nginx says of itself."""
    direct = http.client.HTTPConnection(HOST, fronted.door.port, timeout=PATIENCE)
    context = ssl.create_default_context(cafile=fronted.front.certificates.authority)
    context.check_hostname = False  # the authority is the test's own
    through = http.client.HTTPSConnection(
        HOST, fronted.front.tls, timeout=PATIENCE, context=context
    )
    through.sock = fronted.front.connect()
    more |= {"Host": DOOR}
    answers = [_read(connection, method, path, **more) for connection in (direct, through)]
    for _, headers, _ in answers:
        for name in ITS_OWN:
            headers.pop(name, None)
    return answers[0], answers[1]


def _public(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and is_public(name):
            yield name


def test_every_public_file_comes_with_the_headers_of_the_door(fronted: Fronted) -> None:
    """Card, rosters, proofs, checkpoint, tiles: what a cache may do is the same for both."""
    fronted.door.office.tick(3)
    names = list(_public(fronted.behind.public))
    assert {name.split("/")[0] for name in names} == {
        *("card", "cards", "roster", "rosters", "latest.tlog-proof", "log")
    }
    for name in names:
        for method in ("GET", "HEAD"):
            at_door, at_front = _both(fronted, method, f"/{name}")
            for left_out in LEFT_OUT:
                assert at_door[1].pop(left_out)
            assert at_front == at_door, name
            assert at_front[0] == HTTPStatus.OK
            assert "last-modified" not in at_front[1]


def test_a_part_of_a_file_is_the_same_part(fronted: Fronted) -> None:
    """A mirror that was cut off goes on where it was."""
    at_door, at_front = _both(fronted, "GET", "/card", Range="bytes=3-9")
    for said_only_by_the_door in ("etag", "accept-ranges"):
        assert at_door[1].pop(said_only_by_the_door)
    assert at_front == at_door
    assert (at_front[0], len(at_front[2])) == (HTTPStatus.PARTIAL_CONTENT, 7)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cards/999",
        f"/rosters/{'0' * 64}",
        f"/rosters/{'0' * 64}.tlog-proof",
        "/log/tile/0/x999/999",
        "/log/tile/0/999.p/7",
        "/log",
        "/log/",
        "/.lock",
        "/log/../vault.toml",
        "/.problem/400",
        "//card",
        "/card/",
        "/cards/",
        "/cards/1/",
        "/v1/case/events",
        "/v1/petitions/",
        "/nothing?case=secret",
    ],
)
def test_what_is_not_there_is_refused_as_by_the_door(fronted: Fronted, path: str) -> None:
    """The public folder cannot be left nor listed, and a refusal is the same problem."""
    at_door, at_front = _both(fronted, "GET", path)
    assert at_front == at_door


@pytest.mark.parametrize("path", ["/card", "/log/checkpoint", "/cards/1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_file_can_only_be_read(fronted: Fronted, method: str, path: str) -> None:
    """Whoever wants to write is told what is allowed."""
    at_door, at_front = _both(fronted, method, path)
    allow = [set(answer[1].pop("allow").split(", ")) for answer in (at_door, at_front)]
    assert allow[0] == allow[1]
    assert at_front == at_door


def test_a_path_that_leaves_is_refused(fronted: Fronted) -> None:
    """A path above the root is none, whatever it leads to."""
    _, at_front = _both(fronted, "GET", "/%2e%2e/vault.toml")
    assert at_front[0] == HTTPStatus.BAD_REQUEST
    assert at_front[1]["content-type"] == "application/problem+json"

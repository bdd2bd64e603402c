"""Everybody may fetch the public files, and nothing but them."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_submit.web import create_door
from tests.small_office import make_card, make_roster
from tests.submit.door_office import DoorOffice

A_YEAR = 365 * 24 * 3600
ROSTER = make_roster().hash.hex()
TILE_BYTES = bytes(range(256))

CHANGING = ["card", "roster", "latest.tlog-proof", "log/checkpoint"]
UNCHANGING = [
    "cards/1",
    f"rosters/{ROSTER}",
    f"rosters/{ROSTER}.tlog-proof",
    "log/tile/0/000.p/1",
    "log/tile/entries/000.p/1",
]


class Visitor:
    """Somebody who fetches what everybody may fetch."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, method: str = "GET", **headers: str) -> TestResponse:
        """Ask for a path, and read the answer to its end."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open(path, method=method, headers=fields, buffered=True)


@pytest.fixture
def visitor(standing_office: DoorOffice) -> Visitor:
    """Give a visitor of the door."""
    return Visitor(create_door(standing_office.vault, standing_office.clock).test_client())


@pytest.mark.parametrize("name", CHANGING)
def test_a_file_that_changes_is_kept_for_a_tick(
    standing_office: DoorOffice, visitor: Visitor, name: str
) -> None:
    """A cache never shows a checkpoint that is older than the log's own beat."""
    answer = visitor.get(f"/{name}")
    assert answer.data == (standing_office.vault.public_folder / name).read_bytes()
    assert answer.headers["Cache-Control"] == f"public, max-age={make_card().tick}"
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("name", UNCHANGING)
def test_a_file_that_never_changes_is_kept_for_ever(
    standing_office: DoorOffice, visitor: Visitor, name: str
) -> None:
    """Any cache or mirror may hold it; tiles are bytes, the rest is text."""
    answer = visitor.get(f"/{name}")
    assert answer.data == (standing_office.vault.public_folder / name).read_bytes()
    assert answer.headers["Cache-Control"] == f"public, max-age={A_YEAR}, immutable"
    is_tile = name.startswith("log/tile/")
    expected = "application/octet-stream" if is_tile else "text/plain; charset=utf-8"
    assert answer.content_type == expected


def test_a_full_tile_is_served_at_its_place(standing_office: DoorOffice, visitor: Visitor) -> None:
    """A tile far into a large log has a path with `x` parts (C2SP tlog-tiles)."""
    path = standing_office.vault.public_folder / "log/tile/1/x001/234"
    path.parent.mkdir(parents=True)
    path.write_bytes(TILE_BYTES)
    assert visitor.get("/log/tile/1/x001/234").data == TILE_BYTES


@pytest.mark.parametrize("name", [*CHANGING, *UNCHANGING])
def test_a_file_that_was_fetched_before_is_not_sent_again(visitor: Visitor, name: str) -> None:
    """A second visit costs a few bytes."""
    etag = visitor.get(f"/{name}").headers["ETag"]
    again = visitor.get(f"/{name}", If_None_Match=etag)
    assert (again.status_code, again.data) == (304, b"")


OUTSIDE = [
    "vault.toml",
    "../vault.toml",
    "cards/../../vault.toml",
    "cards/1/../../../vault.toml",
    "%2e%2e/vault.toml",
    "cards/%2e%2e/%2e%2e/keys/log.key",
    "..%2fvault.toml",
    "log/tile/../../../keys/log.key",
    "log/../../vault.sqlite3",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "card%00",
    "card%0a",
    "card/",
    "Card",
    "cards",
    "cards/",
    "cards/one",
    "cards/-1",
    "cards/1.tmp",
    "cards/９",
    "rosters",
    "rosters/",
    f"rosters/{ROSTER.upper()}",
    f"rosters/{ROSTER}.tlog-proof.tmp",
    "rosters/..",
    "log",
    "log/",
    "log/tile",
    "log/tile/0/00",
    "log/tile/0/0000",
    "log/tile/0/x00/000",
    "log/tile/0/000.p",
    "log/tile/0/000.p/",
    "log/tile/0/000.p/1/2",
    "log/tile/000/000",
    "log/checkpoint.tmp",
    ".card",
    "static/x",
    "favicon.ico",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_not_on_the_list_is_not_there(
    standing_office: DoorOffice, visitor: Visitor, name: str
) -> None:
    """Neither other files nor folders nor tricks with names get more than a problem."""
    (standing_office.vault.public_folder / "vault.toml").write_text("not for the public")
    answer = visitor.get(f"/{name}")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM_TYPE)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_file_beside_a_public_one_is_not_public(
    standing_office: DoorOffice, visitor: Visitor
) -> None:
    """What a writer leaves behind when it is killed has almost the name of a public file."""
    for name in (*CHANGING, *UNCHANGING):
        for twin in (f"{name}.tmp", f"{name}~"):
            (standing_office.vault.public_folder / twin).write_text("half a file")
            assert visitor.get(f"/{twin}").status_code == 404


def test_a_listed_name_without_a_file_is_not_kept_by_caches(visitor: Visitor) -> None:
    """A tile that is not there yet will be there tomorrow."""
    answer = visitor.get("/log/tile/0/001")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM_TYPE)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_link_out_of_the_folder_is_not_needed_to_serve(
    standing_office: DoorOffice, visitor: Visitor, tmp_path: Path
) -> None:
    """A listed name that is a folder gets the same answer as one that is not there."""
    (standing_office.vault.public_folder / "cards" / "2").mkdir()
    assert visitor.get("/cards/2").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_public_files_are_only_read(visitor: Visitor, method: str) -> None:
    """Any other method is a problem, and says which would do."""
    answer = visitor.get("/card", method)
    assert (answer.status_code, answer.content_type) == (405, PROBLEM_TYPE)
    assert "GET" in answer.headers["Allow"]


def test_the_first_page_tells_how_to_begin(visitor: Visitor) -> None:
    """Whoever comes with a browser reads what this is, without a script or a picture."""
    answer = visitor.get("/")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert f"dengwen-submit card {make_card().door} " in answer.text
    assert max(map(len, answer.text.splitlines())) <= 100


def test_every_answer_keeps_the_browser_quiet(visitor: Visitor) -> None:
    """No cookie, no referrer, no sniffing, no frames, no software's name; problems included."""
    for name in ("/", "/card", "/log/tile/0/000.p/1", "/nothing", "/v1/case/events"):
        headers = visitor.get(name).headers
        assert "Set-Cookie" not in headers
        assert "Server" not in headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_piece_of_a_tile_can_be_fetched(visitor: Visitor) -> None:
    """Ranges work as everywhere, and an impossible one is a problem."""
    whole = visitor.get("/log/tile/0/000.p/1").data
    piece = visitor.get("/log/tile/0/000.p/1", Range="bytes=4-7")
    assert (piece.status_code, piece.data) == (206, whole[4:8])
    beyond = visitor.get("/log/tile/0/000.p/1", Range="bytes=9999-")
    assert (beyond.status_code, beyond.content_type) == (416, PROBLEM_TYPE)

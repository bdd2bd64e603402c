"""The session of a petitioner's tools keeps nothing, says nothing, and hides names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, request

from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import DoorError, SubmitError
from dengwen_submit.session import check_proxy, open_session
from tests.submit.loopback import HOST, on_loopback, socks_proxy

SAYING_NOTHING = {"Host", "User-Agent", "Accept-Encoding", "Connection", "Content-Length"}


class Curious:
    """
    A server that would like to know who asks.

    Attributes:
        seen: The headers of each request.
    """

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.port = 0
        self.app = Flask("curious")
        self.app.add_url_rule("/card", view_func=self._answer)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def _answer(self) -> Response:
        self.seen.append(dict(request.headers))
        answer = Response(b"card")
        answer.set_cookie("who", "you")
        answer.set_cookie("where", "here", domain=HOST)
        return answer


@pytest.fixture
def curious(monkeypatch: pytest.MonkeyPatch) -> Iterator[Curious]:
    """Run a curious server, in an environment that names no proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = Curious()
    with on_loopback(server.app) as server.port:
        yield server


def test_a_request_says_nothing_of_who_asks(curious: Curious) -> None:
    """No name of a program, no language, no kinds of file: every petitioner looks the same."""
    DoorClient(curious.url, open_session()).fetch("/card")
    (headers,) = curious.seen
    assert set(headers) <= SAYING_NOTHING
    assert not headers.get("User-Agent")
    assert headers["Accept-Encoding"] == "identity"


def test_a_cookie_is_neither_kept_nor_sent_back(curious: Curious) -> None:
    """Two requests of one person cannot be told from two of two persons."""
    session = open_session()
    door = DoorClient(curious.url, session)
    assert [door.fetch("/card"), door.fetch("/card")] == [b"card", b"card"]
    assert len(session.cookies) == 0
    assert all("Cookie" not in headers for headers in curious.seen)


def test_no_password_is_taken_from_a_netrc(
    curious: Curious, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of passwords in her home does not tell the office who she is."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login xiuying password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    DoorClient(curious.url, open_session()).fetch("/card")
    assert "Authorization" not in curious.seen[0]


def test_a_socks_proxy_is_given_the_name_not_an_address(curious: Curious) -> None:
    """Her own network never hears the office's name: the proxy looks it up."""
    with (
        socks_proxy(curious.port) as proxy,
        open_session(f"socks5h://{HOST}:{proxy.port}") as session,
    ):
        assert DoorClient("http://door.invalid", session).fetch("/card") == b"card"
    assert proxy.asked == ["door.invalid"]


@pytest.mark.parametrize("has_exceptions", [False, True])
def test_a_proxy_that_is_given_is_used_whatever_the_environment_says(
    curious: Curious, monkeypatch: pytest.MonkeyPatch, has_exceptions: bool
) -> None:
    """Neither another proxy nor `NO_PROXY` can lead around it."""
    monkeypatch.setenv("http_proxy", f"http://{HOST}:1")
    monkeypatch.setenv("NO_PROXY", "*" if has_exceptions else "")
    with (
        socks_proxy(curious.port) as proxy,
        open_session(f"socks5h://{HOST}:{proxy.port}") as session,
    ):
        DoorClient(f"http://localhost:{curious.port}", session).fetch("/card")
    assert proxy.asked == ["localhost"]


def test_a_proxy_that_is_not_there_is_not_gone_around(curious: Curious) -> None:
    """Without its proxy a request fails; it does not go in the open instead."""
    for proxy in (f"socks5h://{HOST}:1", f"http://{HOST}:1"):
        with pytest.raises(DoorError):
            DoorClient(curious.url, open_session(proxy)).fetch("/card")
    assert curious.seen == []


@pytest.mark.parametrize(
    "proxy", ["socks5h://127.0.0.1:9050", "socks4a://tor.example:1", "http://[::1]:8118"]
)
def test_a_proxy_that_looks_names_up_is_accepted(proxy: str) -> None:
    """Each such kind of proxy can be written."""
    check_proxy(proxy)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:9050",
        "socks4://127.0.0.1:9050",
        "127.0.0.1:9050",
        "localhost:9050",
        "socks5h://127.0.0.1",
        "socks5h://127.0.0.1:port",
        "socks5h://127.0.0.1:99999",
        "http://[::1",
        "tor",
        "",
    ],
)
def test_a_proxy_that_would_leak_the_name_is_refused(proxy: str) -> None:
    """The message says how to write it, and repeats nothing."""
    with pytest.raises(SubmitError, match=r"written like socks5h://127.0.0.1:9050"):
        open_session(proxy)

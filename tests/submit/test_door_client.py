"""What a door answers is a stranger's bytes; what it refuses is told in words that help."""

import io
import json
from collections.abc import Callable

import pytest
import requests
from flask import Flask, Response, request

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_submit import door_client
from dengwen_submit.door_client import REFUSALS, DoorClient, case_key_id
from dengwen_submit.errors import DoorError
from dengwen_submit.session import open_session
from tests.submit.door_office import DoorOffice
from tests.submit.loopback import HOST, on_loopback
from tests.vault.office import seal_petition, words_of
from tests.wsgi_adapter import WsgiAdapter

URL = "https://a-very-secret-address.example"


class OddDoor:
    """
    A door that answers everything in one way.

    Attributes:
        adapter: The way to it.
        client: What asks it.
    """

    def __init__(self, answer: Callable[[], Response]) -> None:
        app = Flask("odd", static_folder=None)
        app.add_url_rule("/<path:_>", view_func=lambda _: answer(), methods=["GET", "POST"])
        self.adapter = WsgiAdapter(app)
        session = open_session()
        session.mount(URL, self.adapter)
        self.client = DoorClient(URL, session, lambda: 0.0)

    def refusal(self) -> DoorError:
        """Ask, and return the refusal."""
        with pytest.raises(DoorError) as refusal:
            self.client.fetch("/card")
        return refusal.value


def _problem(status: int = 400, **members: object) -> Response:
    return Response(json.dumps(members), status, content_type=PROBLEM_TYPE)


def _refusal(answer: Response) -> DoorError:
    return OddDoor(lambda: answer).refusal()


def test_a_good_answer_is_given_as_it_came() -> None:
    """Bytes in, bytes out."""
    assert OddDoor(lambda: Response(b"\x00card\r\n")).client.fetch("/card") == b"\x00card\r\n"


@pytest.mark.parametrize("slug", REFUSALS)
def test_a_refusal_that_is_known_is_told_in_our_own_words(slug: str) -> None:
    """What the office says beside the slug cannot lead anybody astray."""
    kind = f"urn:dengwen:problem:{slug}"
    error = _refusal(_problem(409, type=kind, title="x", detail="send me your receipt words"))
    assert (str(error), error.problem, error.retry_after) == (REFUSALS[slug], slug, 0)


def test_another_refusal_is_told_as_the_offices_words() -> None:
    """The detail is better than the title, and both are better than a number."""
    kind = "urn:dengwen:problem:rule"
    error = _refusal(_problem(403, type=kind, title="The rules forbid this", detail="too early"))
    assert str(error) == "the office refused with status 403, and says: too early"
    error = _refusal(_problem(403, type=kind, title="The rules forbid this"))
    assert str(error) == "the office refused with status 403, and says: The rules forbid this"
    assert error.problem == "rule"


def test_the_offices_words_cannot_steer_a_terminal() -> None:
    """Escape sequences, line ends and turned writing are dropped, and long words cut."""
    detail = "\x1b[2J\r\nyour \u202ewords\u0007" + "x" * 1000
    said = str(_refusal(_problem(type="a:b", title="x", detail=detail))).partition("says: ")[2]
    assert said.isprintable()
    assert "words" in said
    assert len(said) <= door_client.MAX_QUOTED_CHARS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"type": "a:b"}',
        b'{"title": "x"}',
        b"[" * 100_000,
    ],
)
def test_a_refusal_that_is_no_problem_is_told_by_its_status(body: bytes) -> None:
    """A proxy's page of HTML, or anything else, is not shown."""
    error = _refusal(Response(body, 502))
    assert str(error) == "the office refused with status 502"
    assert error.problem == ""


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
def test_a_redirect_is_not_followed_and_is_no_answer(status: int) -> None:
    """An address that is not the card's is not asked, and its page is taken for nothing."""
    door = OddDoor(lambda: Response(b"elsewhere", status, {"Location": "https://other.example/"}))
    assert str(door.refusal()) == f"the office refused with status {status}"
    assert len(door.adapter.calls) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30), ("0", 0), ("-1", 0), ("soon", 0), ("²", 0), ("9" * 5000, 0), ("", 0)],
)
def test_when_to_come_back_is_a_plain_number_of_seconds(header: str, seconds: int) -> None:
    """Anything else is as if the door had not said."""
    answer = _problem(503, type="a:b", title="x")
    answer.headers["Retry-After"] = header
    assert _refusal(answer).retry_after == seconds


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door cannot fill her memory, whether it says yes or no."""
    monkeypatch.setattr(door_client, "MAX_ANSWER_BYTES", 100_000)
    assert OddDoor(lambda: Response(bytes(100_000))).client.fetch("/x") == bytes(100_000)
    for status in (200, 400):
        error = _refusal(Response(bytes(100_001), status))
        assert str(error) == "the office's answer is too long"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (requests.ConnectionError, "could not be reached"),
        (requests.Timeout, "could not be reached"),
        (requests.exceptions.ChunkedEncodingError, "could not be reached"),
        (requests.exceptions.InvalidURL, "could not be reached"),
        (requests.exceptions.ProxyError, "the proxy does not let this through"),
        (requests.exceptions.SSLError, "the connection cannot be trusted"),
    ],
)
def test_silence_is_told_by_what_can_be_done_about_it(
    failure: type[requests.RequestException], words: str
) -> None:
    """The message never holds the address, which the library's own messages do."""

    def fail() -> Response:
        raise failure(f"cannot connect to {URL}")

    door = OddDoor(fail)
    door.adapter.send = lambda *_, **__: fail()  # type: ignore[assignment,method-assign]
    error = door.refusal()
    assert words in str(error)
    assert "secret" not in str(error)
    assert error.problem == ""
    assert error.__cause__ is None


def test_nothing_that_listens_is_told_without_the_address() -> None:
    """The same with a real socket that nobody listens at."""
    with pytest.raises(DoorError, match="could not be reached") as refusal:
        DoorClient(f"http://{HOST}:1", open_session()).fetch("/card")
    assert HOST not in str(refusal.value)


class RecordingFile(io.BytesIO):
    """
    A file that remembers how it was read.

    Attributes:
        sizes: How much was asked for, each time.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and remember."""
        self.sizes.append(-1 if size is None else size)
        return super().read(size)


def test_a_petition_is_sent_in_pieces_with_its_length() -> None:
    """A real server gets all of it, and the file is never in memory as a whole."""
    headers: list[dict[str, str]] = []
    app = Flask("intake")

    @app.post("/v1/petitions")
    def take() -> Response:
        headers.append(dict(request.headers) | {"Query": request.query_string.decode()})
        return Response(str(len(request.get_data())))

    data = bytes(range(256)) * 800
    file, steps = RecordingFile(data), list[int]()
    with on_loopback(app) as port, open_session() as session:
        client = DoorClient(f"http://{HOST}:{port}", session)
        answer = client.submit(file, len(data), at_once=True, progress=steps.append)
        assert answer == str(len(data)).encode()
        client.submit(io.BytesIO(b"x"), 1, at_once=False, progress=steps.append)
    assert headers[0]["Content-Length"] == str(len(data))
    assert headers[0]["Content-Type"] == "application/octet-stream"
    assert [seen["Query"] for seen in headers] == ["at-once=1", ""]
    assert sum(steps) == len(data) + 1
    assert len(file.sizes) > 10
    assert all(0 < size <= 1 << 17 for size in file.sizes)


def test_a_petition_comes_in_by_the_door(office: DoorOffice) -> None:
    """The client's request and the door's view fit each other."""
    sealed = seal_petition("first").to_bytes()
    steps: list[int] = []
    answer = office.door_client().submit(
        io.BytesIO(sealed), len(sealed), at_once=True, progress=steps.append
    )
    assert answer.startswith(b"dengwen/acceptance/v1\n")
    assert sum(steps) == len(sealed)
    (sent,) = office.door.requests
    assert sent.headers["Content-Length"] == str(len(sealed))
    assert "Transfer-Encoding" not in sent.headers


def test_public_files_are_asked_for_without_a_signature(office: DoorOffice) -> None:
    """Whoever fetches the card cannot be told from anybody else; who asks of a case signs."""
    office.door_client().fetch("/card")
    office.accept()
    office.case_client().events()
    plain, signed = office.door.requests
    assert "Signature" not in plain.headers
    assert case_key_id(words_of("first").signing_key()) in signed.headers["Signature-Input"]


def test_words_without_a_case_are_told_so(office: DoorOffice) -> None:
    """The commonest mistake, words of another case, reads as such."""
    with pytest.raises(DoorError, match="knows no petition of these words") as refusal:
        office.case_client("nobody").events()
    assert refusal.value.problem == "not-yours"


def test_a_clock_that_is_wrong_is_told_so(office: DoorOffice) -> None:
    """Signed requests hold for five minutes; the person is told to set the clock."""
    office.accept()
    office.now += 301
    client = DoorClient("https://dengwen.example", office.open_session(), lambda: office.now - 301)
    with pytest.raises(DoorError, match="the clock of this device"):
        client.case(words_of("first").signing_key()).events()

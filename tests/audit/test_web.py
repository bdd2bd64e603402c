"""Tests of web.py: every error is a problem, and a body over its limit is refused."""

import io
import logging

import flask
import pytest
from flask.testing import FlaskClient

from dengwen_audit.errors import FormatError, RuleError
from dengwen_audit.problems import PROBLEM_TYPE, BodyLimits, Problem
from dengwen_audit.text import TextError
from dengwen_audit.web import AUDIT_PROBLEMS, limits_of, problem, register_problems

SECRET = "a name that was sent in"
CASE = "c0ffee"


class TooBusyError(RuleError):
    """An error of a package above, with its own word on when to come back."""

    retry_after = 7


def _raise(error: Exception) -> str:
    raise error


@pytest.fixture
def app() -> flask.Flask:
    """Make an application in which each path fails in its own way."""
    app = flask.Flask(__name__)
    busy = Problem(503, "busy", "The office is busy", retry_after=60)
    limits = BodyLimits(default=10, by_path={"/files": 20, "/files/large": 30})
    register_problems(app, {**AUDIT_PROBLEMS, TooBusyError: busy}, limits)
    app.add_url_rule(
        "/malformed", view_func=lambda: _raise(TextError("no such line")), endpoint="1"
    )
    app.add_url_rule("/busy", view_func=lambda: _raise(TooBusyError("tomorrow")), endpoint="2")
    app.add_url_rule("/cases/<case>", view_func=lambda case: _raise(KeyError(SECRET)), endpoint="3")

    @app.post("/files")
    @app.post("/files/large/<name>")
    @app.post("/notes")
    def take(name: str = "") -> str:
        return str(len(flask.request.get_data()))

    return app


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    """Call the application without a socket."""
    return app.test_client()


def test_a_listed_error_answers_as_its_table_says(client: FlaskClient) -> None:
    """The class decides status, slug and title; the message is the detail."""
    answer = client.get("/malformed")
    assert answer.status_code == 400
    assert answer.content_type == PROBLEM_TYPE
    assert answer.get_json(force=True) == {
        "type": "urn:dengwen:problem:malformed",
        "title": AUDIT_PROBLEMS[FormatError].title,
        "status": 400,
        "detail": "no such line",
    }


def test_an_error_can_say_when_to_come_back(client: FlaskClient) -> None:
    """Its own seconds go before those of the table."""
    answer = client.get("/busy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_a_crash_tells_nobody_its_message(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller learns that it crashed; the log learns where, but not what was sent."""
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"/cases/{CASE}")
    assert answer.status_code == 500
    assert answer.get_json(force=True)["type"] == "urn:dengwen:problem:internal-server-error"
    assert SECRET not in answer.text
    assert SECRET not in caplog.text
    assert "KeyError in a view" in caplog.text
    assert "test_web.py" in caplog.text
    assert CASE not in caplog.text


def test_an_unknown_path_is_a_problem_too(client: FlaskClient) -> None:
    """No HTML from Flask reaches a caller."""
    answer = client.get("/no/where")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM_TYPE)
    assert answer.get_json(force=True)["type"] == "urn:dengwen:problem:not-found"


def test_a_wrong_method_says_which_are_allowed(client: FlaskClient) -> None:
    """The status comes with its header."""
    answer = client.get("/notes")
    assert (answer.status_code, answer.content_type) == (405, PROBLEM_TYPE)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "limit"), [("/notes", 10), ("/files", 20), ("/files/large/x", 30)]
)
def test_each_path_has_its_limit(client: FlaskClient, path: str, limit: int) -> None:
    """A body of the limit passes, one byte more is refused; the longest name that fits decides."""
    assert client.post(path, data=bytes(limit)).text == str(limit)
    refused = client.post(path, data=bytes(limit + 1))
    assert (refused.status_code, refused.content_type) == (413, PROBLEM_TYPE)


def test_a_body_that_hides_its_length_is_refused_while_it_is_read(client: FlaskClient) -> None:
    """Without a Content-Length the limit holds at the first byte too many."""
    answer = client.post(
        "/notes",
        input_stream=io.BytesIO(bytes(11)),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


def test_the_limits_can_be_read_back(app: flask.Flask) -> None:
    """The server refuses by the same limits as the application."""
    assert limits_of(app).of("/files") == 20
    assert limits_of(app).of("/filesystem") == 10
    assert limits_of(flask.Flask("bare")) == BodyLimits()


def test_a_redirect_stays_one(app: flask.Flask) -> None:
    """To Flask it is an error, to a caller it is none."""
    app.add_url_rule("/folder/", view_func=lambda: "here", endpoint="4")
    answer = app.test_client().get("/folder")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/folder/")


def test_a_problem_may_have_no_detail() -> None:
    """Then the member is left out."""
    assert b"detail" not in problem(Problem(404, "not-yours", "Nothing here for you")).get_data()

"""The description of the door and the door itself say the same, and garbage breaks neither."""

import functools
import re
from pathlib import Path
from typing import Any

import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.statements.manifest import Manifest
from dengwen_submit.door_client import case_key_id
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH
from dengwen_submit.web import MAX_NOTE_BYTES, create_door
from tests.small_office import make_card
from tests.submit.door_office import DoorOffice
from tests.vault.office import words_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DESCRIPTION = Path(__file__).parents[2] / "submit" / "openapi.yaml"
ASKERS = (None, "first", "stranger")  # whose case key signs
EXAMPLES = 20  # to each operation and asker


@functools.cache
def description() -> dict[str, Any]:
    """Return the description."""
    loaded: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


def test_every_route_is_described_and_every_described_route_is_there(
    standing_office: DoorOffice,
) -> None:
    """Nobody has to read the code to know what the door answers, nor finds less than promised."""
    door = create_door(standing_office.vault, standing_office.clock)
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in door.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (method, path)
        for path, operations in description()["paths"].items()
        for method in operations
    }
    assert described == routes


def test_the_limits_in_the_description_are_those_of_the_door() -> None:
    """A sender that keeps to them is not refused for its length."""
    post = description()["paths"][PATH]["post"]["requestBody"]["content"]
    assert post["application/octet-stream"]["schema"]["maxLength"] == MAX_PETITION_BYTES
    note = description()["components"]["requestBodies"]["Note"]["content"]
    assert note["text/plain"]["schema"]["maxLength"] == MAX_NOTE_BYTES


def test_what_needs_a_case_key_says_so(standing_office: DoorOffice) -> None:
    """A route that answers 401 to a stranger is described with the key, and no other is."""
    session = standing_office.open_session()
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            url = make_card().door + path.replace("{nonce}", "0" * 64).replace("{name}", "card")
            is_closed = session.request(method, url).status_code == 401
            assert is_closed == ("security" in operation), path


api = schemathesis.openapi.from_dict(description())


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_garbage_gets_a_problem_and_changes_nothing(
    case: Case[Any], standing_office: DoorOffice, standing_case: Manifest
) -> None:
    """Whatever is sent, by whomever, no view crashes and no row is written."""
    before = standing_office.rows()
    session = standing_office.open_session()
    for name in ASKERS:
        key = words_of(name).signing_key() if name else None
        auth = MemberAuth(case_key_id(key), key, standing_office.clock) if key else None
        answer = case.call(base_url=make_card().door, session=session, auth=auth)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == [PROBLEM_TYPE]
            assert answer.json()["status"] == answer.status_code
    assert standing_office.rows() == before

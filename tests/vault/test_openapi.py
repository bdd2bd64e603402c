"""The description of the desk and the desk itself say the same, and garbage breaks neither."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
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
from dengwen_vault.web import create_desk
from tests.small_office import make_card, make_key
from tests.vault.office import VaultOffice

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DESCRIPTION = Path(__file__).parents[2] / "vault" / "openapi.yaml"
MEMBERS = ("reviewer-1", "gatekeeper-1", "mirror-1")
EXAMPLES = 6  # to each operation and member


@functools.cache
def description() -> dict[str, Any]:
    """Return the description."""
    loaded: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


def test_every_route_is_described_and_every_described_route_is_there(
    small_office: VaultOffice,
) -> None:
    """Nobody has to read the code to know what the desk answers, nor finds less than promised."""
    desk = create_desk(small_office.vault, small_office.clock)
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), rule.endpoint)
        for rule in desk.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (method, path, f"{operation['tags'][0]}.{operation['operationId']}")
        for path, operations in description()["paths"].items()
        for method, operation in operations.items()
    }
    assert described == routes


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultOffice]:
    """Give one office for all the garbage."""
    folder = tmp_path_factory.mktemp("garbage")
    office = VaultOffice(folder, f"sqlite:///{folder / 'vault.sqlite3'}")
    office.tick()
    office.accept()
    yield office
    office.close()


api = schemathesis.openapi.from_dict(description())


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_garbage_gets_a_problem_and_changes_nothing(case: Case[Any], desk: VaultOffice) -> None:
    """Whatever is sent, however well signed, no view crashes and no row is written."""
    before = desk.rows()
    for member in MEMBERS:
        auth = MemberAuth(member, make_key(member), desk.clock)
        answer = case.call(base_url=make_card().desk, session=desk.session, auth=auth)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == [PROBLEM_TYPE]
            assert answer.json()["status"] == answer.status_code
    assert desk.rows() == before

"""Who gets in at the desk: members of the roster in force, by requests signed for it, once."""

import pytest
import requests

from dengwen_audit.http_signature import MAX_SKEW, MemberAuth
from dengwen_audit.note import SigningKey
from dengwen_vault.access import UsedNonces
from tests.small_office import make_card, make_key
from tests.vault.office import VaultOffice

WORK = make_card().desk + "/v1/work"


def _slug(answer: requests.Response) -> str:
    slug: str = answer.json()["type"].rpartition(":")[2]
    return slug


def _prepare(office: VaultOffice, auth: MemberAuth) -> requests.PreparedRequest:
    return office.session.prepare_request(requests.Request("GET", WORK, auth=auth))


def test_a_member_is_let_in(small_office: VaultOffice) -> None:
    """The twin of every refusal below."""
    assert small_office.ask("gatekeeper-1", "/v1/work").status_code == 200


def test_the_same_signed_request_again_is_refused(open_office: VaultOffice) -> None:
    """Who recorded a request cannot ask it once more, of no process of the office."""
    auth = MemberAuth("gatekeeper-1", make_key("gatekeeper-1"), open_office.clock)
    asked = _prepare(open_office, auth)
    assert open_office.session.send(asked).status_code == 200
    again = open_office.session.send(asked)
    assert (again.status_code, _slug(again)) == (401, "http-signature-replayed")


@pytest.mark.parametrize("seconds", [-MAX_SKEW - 1, MAX_SKEW + 1])
def test_a_signature_of_another_time_is_refused(small_office: VaultOffice, seconds: int) -> None:
    """Nothing that was signed long ago, or for later, is answered."""
    auth = MemberAuth("gatekeeper-1", make_key("gatekeeper-1"), lambda: small_office.now + seconds)
    answer = small_office.session.send(_prepare(small_office, auth))
    assert (answer.status_code, _slug(answer)) == (401, "http-signature-time")


@pytest.mark.parametrize(
    "stranger",
    {
        "nobody": "nobody",
        "a member who is revoked": "reviewer-2",
        "the petitioner's kind of key": "ab" * 32,
        "a root keeper": "root-a",
    }.items(),
    ids=lambda pair: pair[0],
)
def test_who_is_no_active_member_is_not_known(
    small_office: VaultOffice, stranger: tuple[str, str]
) -> None:
    """A revoked member gets the answer of somebody who never was one."""
    answer = small_office.ask(stranger[1], "/v1/work")
    assert (answer.status_code, _slug(answer)) == (401, "http-signature-key")


def test_another_key_does_not_speak_for_a_member(small_office: VaultOffice) -> None:
    """A name alone opens nothing."""
    answer = small_office.ask("gatekeeper-1", "/v1/work", key="gatekeeper-2")
    assert (answer.status_code, _slug(answer)) == (401, "http-signature-wrong")


def test_a_request_made_for_another_office_is_refused(small_office: VaultOffice) -> None:
    """The address in the card is what counts, whatever this server is called by."""
    auth = MemberAuth("gatekeeper-1", make_key("gatekeeper-1"), small_office.clock)
    other = requests.Request("GET", "https://desk.elsewhere.example/v1/work", auth=auth).prepare()
    other.url = WORK
    answer = small_office.session.send(other)
    assert (answer.status_code, _slug(answer)) == (401, "http-signature-wrong")


def test_an_unsigned_request_is_refused(small_office: VaultOffice) -> None:
    """Nothing is public at the desk."""
    answer = small_office.session.get(WORK)
    assert (answer.status_code, _slug(answer)) == (401, "http-signature-missing")


def test_a_key_of_another_member_in_the_roster_is_no_skeleton_key(
    small_office: VaultOffice,
) -> None:
    """Nor is a key that bears a member's name and is another."""
    key = SigningKey("gatekeeper-1", make_key("gatekeeper-2").seed)
    auth = MemberAuth("gatekeeper-1", key, small_office.clock)
    assert small_office.session.send(_prepare(small_office, auth)).status_code == 401


def test_a_nonce_is_forgotten_when_its_signature_has_lapsed(open_office: VaultOffice) -> None:
    """The table does not grow with the years, and never forgets too soon."""
    nonces = UsedNonces(open_office.vault.store)
    until = int(open_office.now)
    assert nonces.remember("a", "00" * 16, until)
    assert not nonces.remember("a", "00" * 16, until)
    assert nonces.remember("b", "00" * 16, until)
    assert nonces.remember("a", "11" * 16, until + 2 * MAX_SKEW)
    assert not nonces.remember("a", "00" * 16, until)
    assert nonces.remember("a", "22" * 16, until + 4 * MAX_SKEW)
    assert nonces.remember("a", "00" * 16, until)

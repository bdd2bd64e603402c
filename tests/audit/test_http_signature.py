"""Signed requests: one narrow shape, and nothing that could be added, moved or sent again."""

import base64
import hashlib
from collections.abc import Callable

import http_message_signatures as rfc9421
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dengwen_audit.http_signature import (
    COMPONENTS,
    HTTP_SIGNATURE_PROBLEMS,
    MAX_SKEW,
    CoverageError,
    DigestError,
    HttpSignatureError,
    MalformedSignatureError,
    MemberAuth,
    MissingSignatureError,
    ReplayError,
    Signed,
    SkewError,
    UnknownKeyError,
    WrongSignatureError,
    check_request,
    check_unused,
)
from dengwen_audit.note import SigningKey, VerificationKey
from tests.small_office import make_case_key, make_key, make_roster, make_seed

NOW = 1736500000.5
URL = "https://desk.dengwen.example/v1/epochs?from=1&to=2"
KEY = make_key("reviewer-1")
Headers = list[tuple[str, str]]
Edit = Callable[[dict[str, str]], dict[str, str] | Headers]


class Memory:
    """Nonces of one process, until their time is over."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._until: dict[tuple[str, str], int] = {}

    def remember(self, key_id: str, nonce: str, until: int) -> bool:
        """Keep the nonce; tell whether it is new."""
        is_new = (key_id, nonce) not in self._until
        self._until[key_id, nonce] = until
        return is_new


def _signed(
    method: str = "POST",
    url: str = URL,
    body: bytes | None = b"hello",
    key: SigningKey = KEY,
    key_id: str = "reviewer-1",
) -> requests.PreparedRequest:
    auth = MemberAuth(key_id, key, lambda: NOW)
    return requests.Request(method, url, data=body, auth=auth).prepare()


def _check(headers: Headers | dict[str, str], body: bytes = b"hello", now: float = NOW) -> Signed:
    lines = headers.items() if isinstance(headers, dict) else headers
    return check_request("POST", URL, lines, body, make_roster().key_of, now)


def _headers() -> dict[str, str]:
    return {str(name): str(value) for name, value in _signed().headers.items()}


def test_a_signed_request_says_who_made_it() -> None:
    """The key's id, its nonce and its second are returned."""
    signed = _check(_headers())
    assert signed.key_id == "reviewer-1"
    assert len(bytes.fromhex(signed.nonce)) == 16
    assert signed.created == int(NOW)
    assert signed.expires == int(NOW) + MAX_SKEW


@pytest.mark.parametrize("body", [None, b"", b"hello", "登闻".encode()])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_method_is_signed_with_and_without_a_body(method: str, body: bytes | None) -> None:
    """A request without a body covers the digest of nothing."""
    request = _signed(method, body=body)
    lines = list(request.headers.items())
    check_request(method, URL, lines, body or b"", make_roster().key_of, NOW)
    with pytest.raises(DigestError):
        check_request(method, URL, lines, (body or b"") + b"!", make_roster().key_of, NOW)


def test_a_petitioner_signs_with_her_case_key() -> None:
    """The id of a case key is its public half in hexadecimal."""
    key = make_case_key()
    key_id = key.verification_key.public_key.hex()
    request = _signed("GET", body=None, key=key, key_id=key_id)
    known = {key_id: key.verification_key}
    signed = check_request("GET", URL, list(request.headers.items()), b"", known.get, NOW)
    assert signed.key_id == key_id


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", URL),
        ("POST", URL.replace("desk.", "door.")),
        ("POST", URL.replace("/v1/", "/v2/")),
        ("POST", URL.replace("to=2", "to=3")),
        ("POST", URL.partition("?")[0]),
        ("post", URL),
        ("POST", "not a URL"),
    ],
)
def test_a_signature_for_another_request_is_refused(method: str, url: str) -> None:
    """Method, host, path and query are all covered."""
    lines = list(_headers().items())
    with pytest.raises(WrongSignatureError):
        check_request(method, url, lines, b"hello", make_roster().key_of, NOW)


@pytest.mark.parametrize("skew", [-MAX_SKEW, 0, MAX_SKEW])
def test_a_clock_may_be_five_minutes_off_and_no_more(skew: int) -> None:
    """A signature is good for as long as its nonce is remembered."""
    headers = _headers()
    _check(headers, now=int(NOW) + skew)
    beyond = skew + 1 if skew >= 0 else skew - 1
    if skew:
        with pytest.raises(SkewError):
            _check(headers, now=int(NOW) + beyond)


@pytest.mark.parametrize("key_id", ["reviewer-2", "stranger"])
def test_a_revoked_or_unknown_key_is_refused(key_id: str) -> None:
    """The roster answers with a key for active members only."""
    request = _signed(key=make_key(key_id), key_id=key_id)
    with pytest.raises(UnknownKeyError):
        _check(list(request.headers.items()))


def test_a_key_under_another_members_id_is_refused() -> None:
    """A member cannot ask in another member's name."""
    request = _signed(key=make_key("reviewer-1"), key_id="reviewer-3")
    with pytest.raises(WrongSignatureError):
        _check(list(request.headers.items()))


def test_the_same_request_is_accepted_once() -> None:
    """A request that was overheard cannot be sent again, while its signature holds."""
    memory = Memory()
    signed = _check(_headers())
    check_unused(signed, memory)
    with pytest.raises(ReplayError):
        check_unused(signed, memory)
    check_unused(_check(_headers()), memory)


def _edit(name: str, old: str, new: str) -> Edit:
    def edit(headers: dict[str, str]) -> dict[str, str]:
        assert old in headers[name]
        return headers | {name: headers[name].replace(old, new)}

    return edit


def _drop(name: str) -> Edit:
    return lambda headers: {n: v for n, v in headers.items() if n != name}


def _double(name: str) -> Edit:
    return lambda headers: [*headers.items(), (name.lower(), headers[name])]


def _second(headers: dict[str, str]) -> dict[str, str]:
    other = {
        name: headers[name].replace("dengwen=", "other=", 1)
        for name in ("Signature-Input", "Signature")
    }
    return headers | {name: f"{headers[name]}, {value}" for name, value in other.items()}


INPUT = "Signature-Input"
EDITS: dict[str, tuple[Edit, type[HttpSignatureError]]] = {
    "no signature": (_drop("Signature"), MissingSignatureError),
    "no signature input": (_drop(INPUT), MissingSignatureError),
    "no digest": (_drop("Content-Digest"), MissingSignatureError),
    "two signature lines": (_double("Signature"), MalformedSignatureError),
    "two input lines": (_double(INPUT), MalformedSignatureError),
    "two digest lines": (_double("Content-Digest"), MalformedSignatureError),
    "two signatures": (_second, MalformedSignatureError),
    "one label twice": (
        lambda h: h | {n: f"{h[n]}, {h[n]}" for n in (INPUT, "Signature")},
        MalformedSignatureError,
    ),
    "labels that differ": (_edit("Signature", "dengwen=", "other="), MalformedSignatureError),
    "no list": (_edit(INPUT, '("', '"('), MalformedSignatureError),
    "an endless field": (
        _edit(INPUT, "dengwen=", "dengwen=" + " " * 1024),
        MalformedSignatureError,
    ),
    "not ASCII": (_edit(INPUT, "dengwen=", "登闻="), MalformedSignatureError),
    "a path not covered": (_edit(INPUT, ' "@path"', ""), CoverageError),
    "a digest not covered": (_edit(INPUT, ' "content-digest"', ""), CoverageError),
    "a component more": (
        _edit(INPUT, '"content-digest"', '"content-digest" "date"'),
        CoverageError,
    ),
    "a component twice": (_edit(INPUT, '"@query"', '"@query" "@query"'), CoverageError),
    "a component with a parameter": (_edit(INPUT, '"@query"', '"@query";req'), CoverageError),
    "components in another order": (
        _edit(INPUT, '"@method" "@authority"', '"@authority" "@method"'),
        CoverageError,
    ),
    "another tag": (_edit(INPUT, 'tag="dengwen"', 'tag="other"'), CoverageError),
    "no tag": (_edit(INPUT, ';tag="dengwen"', ""), CoverageError),
    "another algorithm": (_edit(INPUT, "ed25519", "hmac-sha256"), CoverageError),
    "no algorithm": (_edit(INPUT, ';alg="ed25519"', ""), CoverageError),
    "no key": (_edit(INPUT, ';keyid="reviewer-1"', ""), CoverageError),
    "no time": (_edit(INPUT, f";created={int(NOW)}", ""), CoverageError),
    "an end": (_edit(INPUT, ";alg", f";expires={int(NOW) + 9};alg"), CoverageError),
    "an unknown parameter": (_edit(INPUT, ";alg", ";colour=1;alg"), CoverageError),
    "a time as text": (
        _edit(INPUT, f"created={int(NOW)}", f'created="{int(NOW)}"'),
        MalformedSignatureError,
    ),
    "a fraction of a second": (
        _edit(INPUT, f"created={int(NOW)}", f"created={int(NOW)}.5"),
        MalformedSignatureError,
    ),
    "a key's id that is none": (
        _edit(INPUT, 'keyid="reviewer-1"', 'keyid="Reviewer 1"'),
        MalformedSignatureError,
    ),
    "a short nonce": (_edit(INPUT, 'nonce="', 'nonce="12";x="'), CoverageError),
    "another time": (
        _edit(INPUT, f"created={int(NOW)}", f"created={int(NOW) + 1}"),
        WrongSignatureError,
    ),
    "another digest algorithm": (
        lambda h: h | {"Content-Digest": f"sha-512=:{_base64(hashlib.sha512(b'hello').digest())}:"},
        WrongSignatureError,
    ),
    "another signature": (_edit("Signature", "dengwen=:", "dengwen=:AAAA"), WrongSignatureError),
}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_field_is_refused_without_being_repeated(name: str) -> None:
    """Each change has its own refusal, which holds nothing of what was sent."""
    edit, error = EDITS[name]
    edited = edit(_headers())
    with pytest.raises(error) as refusal:
        _check(edited)
    assert refusal.value.__cause__ is None
    assert "reviewer" not in str(refusal.value)


@pytest.mark.parametrize("nonce", ["", "12", "A" * 32, "a" * 31, "a" * 33])
def test_a_nonce_is_sixteen_bytes_in_hexadecimal(nonce: str) -> None:
    """A short nonce could come up again by chance, another spelling be the same nonce twice."""
    headers = _headers()
    begin = headers[INPUT].index('nonce="') + len('nonce="')
    headers[INPUT] = headers[INPUT][:begin] + nonce + headers[INPUT][begin + 32 :]
    with pytest.raises(MalformedSignatureError):
        _check(headers)


def test_two_requests_have_two_nonces() -> None:
    """Nonces are random."""
    assert _check(_headers()).nonce != _check(_headers()).nonce


def test_signing_again_replaces_digest_and_signature() -> None:
    """A prepared request whose body changed can be signed anew."""
    request = _signed()
    request.prepare_body(b"changed", None)
    request.prepare_auth(MemberAuth("reviewer-1", KEY, lambda: NOW))
    _check(list(request.headers.items()), b"changed")


def test_a_body_that_is_not_in_memory_is_not_signed() -> None:
    """Its digest would be of bytes that nobody has seen."""
    with pytest.raises(AssertionError):
        MemberAuth("reviewer-1", KEY, lambda: NOW)(
            requests.Request("POST", URL, data=iter([b"hello"])).prepare()
        )


def test_every_refusal_is_told_to_the_caller_by_a_slug_of_its_own() -> None:
    """Each class is in the table, under its own slug."""
    classes: set[type[HttpSignatureError]] = {HttpSignatureError}
    classes.update(HttpSignatureError.__subclasses__())
    assert HTTP_SIGNATURE_PROBLEMS.keys() == classes
    assert {problem.slug for problem in HTTP_SIGNATURE_PROBLEMS.values()} == {
        kind.slug for kind in classes
    }
    assert len({kind.slug for kind in classes}) == len(classes)


def test_the_library_alone_verifies_what_is_signed_here() -> None:
    """Another implementation of Ed25519 and the library's own rules accept our signature."""
    public_key = Ed25519PublicKey.from_public_bytes(KEY.verification_key.public_key)
    verifier = rfc9421.HTTPMessageVerifier(
        signature_algorithm=rfc9421.algorithms.ED25519,
        key_resolver=rfc9421.MappingKeyResolver(
            public_keys={"reviewer-1": public_key}, private_keys={}
        ),
    )
    auth = MemberAuth("reviewer-1", KEY, _library_clock)
    request = requests.Request("POST", URL, data=b"hello", auth=auth).prepare()
    results = verifier.verify(request, expect_tag="dengwen", body=b"hello")
    assert [set(result.covered_components) for result in results] == [
        {f'"{name}"' for name in (*COMPONENTS, "@signature-params")}
    ]


def _library_clock() -> float:
    import time  # noqa: PLC0415  # the library itself looks at the clock of the machine

    return time.time()


def test_what_another_implementation_signs_is_accepted() -> None:
    """The library with another Ed25519 makes a request that is accepted here."""
    private_key = Ed25519PrivateKey.from_private_bytes(make_seed("reviewer-1"))
    base = (
        '"@method": POST\n"@authority": desk.dengwen.example\n"@path": /v1/epochs\n'
        '"@query": ?from=1&to=2\n'
        f'"content-digest": sha-256=:{_base64(hashlib.sha256(b"hello").digest())}:\n'
    )
    parameters = (
        '("@method" "@authority" "@path" "@query" "content-digest")'
        f';created={int(NOW)};keyid="reviewer-1";nonce="{"0" * 32}";alg="ed25519";tag="dengwen"'
    )
    signature = private_key.sign(f'{base}"@signature-params": {parameters}'.encode())
    headers = {
        "content-digest": f"sha-256=:{_base64(hashlib.sha256(b'hello').digest())}:",
        "signature-input": f"sig1={parameters}",
        "signature": f"sig1=:{_base64(signature)}:",
    }
    assert _check(headers) == Signed("reviewer-1", "0" * 32, int(NOW))


def test_a_weak_key_accepts_nothing() -> None:
    """A key of small order, for which everybody can sign, is refused."""
    weak = VerificationKey("reviewer-1", 0x01, bytes([1]) + bytes(31))
    forged = bytes([1]) + bytes(63)
    headers = _headers() | {"Signature": f"dengwen=:{_base64(forged)}:"}
    with pytest.raises(WrongSignatureError):
        check_request("POST", URL, headers.items(), b"hello", lambda _: weak, NOW)

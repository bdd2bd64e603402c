"""
Signed requests: who asks, for what, when, and once (RFC 9421, in one narrow shape).

::

    Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:
    Signature-Input: dengwen=("@method" "@authority" "@path" "@query" "content-digest");\
                     created=1735689600;keyid="reviewer-4";alg="ed25519";nonce="9f3c…";tag="dengwen"
    Signature: dengwen=:MEUC…:

Members sign with their roster key and bear its name; a petitioner signs with the case key and bears
its public half in hexadecimal. A request without a body covers the digest of no bytes, so that
nobody can add a body to it. Nothing but this shape is accepted: one signature, these components in
this order, these parameters, made less than five minutes ago or ahead.

Signing does not make a request new: whoever answers remembers each key's nonces for as long as
their signatures hold (`NonceMemory`).

What a refusal says never repeats a header. One signature costs about 0.4 ms, a check about
0.2 ms: docs/formats/http-signature.md has the figures.

Source: RFC 9421; RFC 9530 for the digest.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import http_message_signatures as rfc9421
from http_message_signatures.algorithms import HTTPSignatureAlgorithm
from http_message_signatures.signatures import HTTPMessageSigner, HTTPMessageVerifier
from requests import PreparedRequest
from requests.auth import AuthBase

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import SigningKey, VerificationKey
from dengwen_audit.problems import Problem

TAG = "dengwen"
COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
PARAMETERS = frozenset({"created", "keyid", "nonce", "alg", "tag"})
MAX_SKEW = 300  # seconds, either way
NONCE_SIZE = 16  # bytes
MAX_FIELD_CHARS = 1024

_FIELDS = ("content-digest", "signature-input", "signature")
_KEY_ID = re.compile(r"[a-z0-9.-]{1,64}")
_NONCE = re.compile(f"[0-9a-f]{{{2 * NONCE_SIZE}}}")


class HttpSignatureError(SignatureError):
    """A request is not signed as it must be; *slug* tells a client which way."""

    slug: ClassVar[str] = "http-signature"


class MissingSignatureError(HttpSignatureError):
    """The request lacks its signature or its digest."""

    slug = "http-signature-missing"


class MalformedSignatureError(HttpSignatureError):
    """The fields are not spelt as they must be, or there is more than one of them."""

    slug = "http-signature-malformed"


class CoverageError(HttpSignatureError):
    """The signature covers too little or too much, or is of another algorithm or purpose."""

    slug = "http-signature-coverage"


class SkewError(HttpSignatureError):
    """The signature is too old, or from the future: set the clock and sign again."""

    slug = "http-signature-time"


class UnknownKeyError(HttpSignatureError):
    """Nobody here knows the key."""

    slug = "http-signature-key"


class DigestError(HttpSignatureError):
    """The body is not the one that was signed."""

    slug = "http-signature-digest"


class WrongSignatureError(HttpSignatureError):
    """The signature is not by that key over this request."""

    slug = "http-signature-wrong"


class ReplayError(HttpSignatureError):
    """The same signed request was here before: sign it again."""

    slug = "http-signature-replayed"


HTTP_SIGNATURE_PROBLEMS: Mapping[type[Exception], Problem] = {
    kind: Problem(401, kind.slug, title)
    for kind, title in (
        (HttpSignatureError, "The request is not signed as it must be"),
        (MissingSignatureError, "The request must be signed"),
        (MalformedSignatureError, "The signature fields are malformed"),
        (CoverageError, "The signature does not cover what it must"),
        (SkewError, "The signature is too old or from the future"),
        (UnknownKeyError, "The key is not known"),
        (DigestError, "The body is not the one that was signed"),
        (WrongSignatureError, "The signature is wrong"),
        (ReplayError, "The request was here before"),
    )
}
"""What these errors mean to a caller, for the tables of the services that check signatures."""


@dataclass(frozen=True)
class Signed:
    """
    Who signed a request, and the nonce that tells it from every other.

    Attributes:
        nonce: 16 bytes in hexadecimal.
        created: Seconds since 1970.
    """

    key_id: str
    nonce: str
    created: int

    @property
    def expires(self) -> int:
        """The last second at which the signature could still be accepted."""
        return self.created + MAX_SKEW


class NonceMemory(Protocol):
    """Remembers the nonces of each key, across all processes of a service and its restarts."""

    def remember(self, key_id: str, nonce: str, until: int) -> bool:
        """Keep the nonce *until* a time in seconds, in one step; tell whether it is new."""


class MemberAuth(AuthBase):
    """
    Signs each request of a `requests` session; give it as ``auth=``.

    Args:
        key_id: The member's id, or a case key's public half in hexadecimal.
        key: The private key.
        clock: Gives seconds since 1970.
    """

    def __init__(self, key_id: str, key: SigningKey, clock: Callable[[], float]) -> None:
        """Keep the key; nothing is signed yet."""
        self._key_id = key_id
        self._key = key
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign one request."""
        sign_request(request, self._key_id, self._key, self._clock())
        return request


def sign_request(request: PreparedRequest, key_id: str, key: SigningKey, now: float) -> None:
    """
    Add digest and signature to a request, in place. Its body must be in memory.

    Args:
        key_id: What the server knows the key by.
        now: Seconds since 1970.
    """
    request.headers.pop("Content-Digest", None)
    signer = HTTPMessageSigner(signature_algorithm=_Ed25519, key_resolver=_Keys(key_id, key))
    signer.sign(
        request,
        key_id=key_id,
        created=datetime.datetime.fromtimestamp(int(now), datetime.UTC),
        nonce=secrets.token_hex(NONCE_SIZE),
        label=TAG,
        tag=TAG,
        covered_component_ids=COMPONENTS,
        body=_body_of(request),
    )


def check_request(  # noqa: PLR0913, PLR0917  # a request has four parts
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    resolve: Callable[[str], VerificationKey | None],
    now: float,
) -> Signed:
    """
    Check that a request is signed by a key that *resolve* knows; return by which.

    The nonce has yet to be remembered: see `check_unused`.

    Args:
        url: The absolute URL as the client sees it. Behind a proxy, its authority is that of the
            office's card, not what the server was called by.
        headers: All field lines of the request, names in any case.
        resolve: Gives a key by its id; None for who may not ask.
        now: Seconds since 1970.

    Raises:
        HttpSignatureError: The class says what is wrong.
    """
    fields = _take_fields(headers)
    verifier = _Verifier(resolve, now)
    try:
        verifier.verify(_Message(method, url, fields), max_age=None)
    except rfc9421.HTTPMessageSignaturesException:
        # The cause is dropped: its message may repeat what was sent.
        if verifier.signed is None:
            raise MalformedSignatureError("the signature fields are malformed") from None
        raise WrongSignatureError("the signature is wrong") from None
    if verifier.signed is None:
        raise AssertionError("internal error: verified, but by nobody")
    if fields["content-digest"] != rfc9421.ContentDigest.create(body):
        raise DigestError("the body is not the one that was signed")
    return verifier.signed


def check_unused(signed: Signed, memory: NonceMemory) -> None:
    """
    Check that a signed request is here for the first time, and remember it.

    Raises:
        ReplayError: If it was here before.
    """
    if not memory.remember(signed.key_id, signed.nonce, signed.expires):
        raise ReplayError("the signed request was here before")


def _take_fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the three fields that matter, each of which must be there exactly once."""
    fields: dict[str, str] = {}
    for name, value in headers:
        field = name.lower()
        if field not in _FIELDS:
            continue
        if field in fields or len(value) > MAX_FIELD_CHARS:
            raise MalformedSignatureError("a signature field is there twice, or too long")
        fields[field] = value
    if len(fields) < len(_FIELDS):
        raise MissingSignatureError("the request is not signed, or lacks its digest")
    return fields


def _body_of(request: PreparedRequest) -> bytes:
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    raise AssertionError("internal error: only a body in memory can be signed")


@dataclass(frozen=True)
class _Message:
    """A request as the library looks at it."""

    method: str
    url: str
    headers: dict[str, str]


class _Ed25519(HTTPSignatureAlgorithm):
    """Our own strict Ed25519, in the shape the library asks for."""

    algorithm_id = "ed25519"

    def __init__(
        self, public_key: VerificationKey | None = None, private_key: SigningKey | None = None
    ) -> None:
        self._public_key = public_key
        self._private_key = private_key

    def sign(self, message: bytes) -> bytes:
        if self._private_key is None:
            raise AssertionError("internal error: nothing to sign with")
        return self._private_key.sign_bytes(message)

    def verify(self, signature: bytes, message: bytes) -> None:
        if self._public_key is None or not self._public_key.is_signature(signature, message):
            raise rfc9421.InvalidSignature("the signature is wrong")


class _Keys(rfc9421.HTTPSignatureKeyResolver):
    """Holds the one key that a signature is made or checked with."""

    def __init__(self, key_id: str, key: SigningKey | VerificationKey) -> None:
        self._key_id = key_id
        self._key = key

    def resolve_private_key(self, key_id: str) -> SigningKey:
        if key_id != self._key_id or not isinstance(self._key, SigningKey):
            raise AssertionError("internal error: another key was asked for")
        return self._key

    def resolve_public_key(self, key_id: str) -> VerificationKey:
        if key_id != self._key_id or not isinstance(self._key, VerificationKey):
            raise AssertionError("internal error: another key was asked for")
        return self._key


class _SignatureInput(Protocol):
    """What the library makes of the ``Signature-Input``: component names with parameters."""

    params: Mapping[str, object]

    def __iter__(self) -> Iterator[object]: ...


class _Verifier(HTTPMessageVerifier):
    """Judges a signature's parameters where the library asks about its time, before its key."""

    def __init__(self, resolve: Callable[[str], VerificationKey | None], now: float) -> None:
        super().__init__(signature_algorithm=_Ed25519, key_resolver=None)
        self._resolve = resolve
        self._now = now
        self.signed: Signed | None = None

    def validate_created_and_expires(
        self, sig_input: _SignatureInput, max_age: datetime.timedelta | None = None
    ) -> None:
        del max_age  # ours is no parameter
        signed = _to_signed(sig_input)
        if abs(self._now - signed.created) > MAX_SKEW:
            raise SkewError(f"the signature is more than {MAX_SKEW} seconds off")
        key = self._resolve(signed.key_id)
        if key is None:
            raise UnknownKeyError("the key is not known")
        self.key_resolver = _Keys(signed.key_id, key)
        self.signed = signed


def _to_signed(sig_input: _SignatureInput) -> Signed:
    """Read the parameters, all of which must be there, and no other; nothing is verified yet."""
    # As text, since the library's components compare equal whatever their own parameters are.
    components = tuple(str(component) for component in sig_input)
    if components != tuple(f'"{name}"' for name in COMPONENTS):
        raise CoverageError("the signature covers too little or too much")
    parameters = sig_input.params
    if parameters.keys() != PARAMETERS:
        raise CoverageError("the signature has too few or too many parameters")
    if (parameters["alg"], parameters["tag"]) != (_Ed25519.algorithm_id, TAG):
        raise CoverageError("the signature is of another algorithm or purpose")
    key_id, nonce, created = (parameters[name] for name in ("keyid", "nonce", "created"))
    if not isinstance(key_id, str) or not isinstance(nonce, str) or not isinstance(created, int):
        raise AssertionError("internal error: a parameter of a type that the library refuses")
    if not _KEY_ID.fullmatch(key_id) or not _NONCE.fullmatch(nonce):
        raise MalformedSignatureError("the key's id or the nonce is malformed")
    return Signed(key_id, nonce, created)

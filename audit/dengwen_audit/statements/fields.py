"""
The fields that several statements share: offices, recipients, keys, names of compartments, URLs.

A sealing recipient is opaque on this floor: its shape is checked, its checksum and its key are the
business of whoever seals to it.

Source: docs/formats/text.md for the encoding; C2SP age.md v1.1.0 for the length of a recipient.
"""

from __future__ import annotations

import re
from typing import NewType

from dengwen_audit.note import ED25519, VerificationKey
from dengwen_audit.text import HASH_SIZE, TextError, parse_hex

CaseId = NewType("CaseId", bytes)

NONE = "-"  # a field that is there and says "none"
MAX_NAME_CHARS = 200
MAX_URL_CHARS = 255
MAX_SEATS = 32  # of one kind of holder
MAX_PANEL = 16
RECIPIENT_CHARS = 1959  # ML-KEM-768 and X25519 public keys in Bech32
CASE_KEY_NAME = "case"
NONCE_SIZE = 32  # bytes

_OFFICE = re.compile(r"[a-z0-9](?:[a-z0-9./:-]{0,126}[a-z0-9])?")
_JURISDICTION = re.compile(r"(?=.{1,32}\Z)[A-Z0-9]+(?:-[A-Z0-9]+)*")
_RECIPIENT = re.compile(r"age1pq1[02-9ac-hj-np-z]{1952}")
_COMPARTMENT = re.compile(r"[a-z][a-z-]{0,31}(?:/[1-9][0-9]{0,5})?")
_TYPE = re.compile(r"[a-z]+(?:\.[a-z]+){1,3}")
_URL = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?"
    r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*"
)


def check_office(value: str, where: str) -> str:
    """Return *value* if it can be an office: its log's origin and the name of its log key."""
    return _matching(_OFFICE, value, f"{where}: not an office, such as 'dengwen.example/log'")


def check_recipient(value: str, where: str) -> str:
    """Return *value* if it has the shape of a hybrid age recipient, ``age1pq1…``."""
    return _matching(_RECIPIENT, value, f"{where}: not a recipient 'age1pq1…'")


def check_jurisdiction_code(value: str, where: str) -> str:
    """Return *value* if it can be a jurisdiction's code, such as ``CN-4401``."""
    return _matching(_JURISDICTION, value, f"{where}: not a jurisdiction's code")


def check_compartment_name(value: str, where: str) -> str:
    """Return *value* if it can name a compartment: ``petition``, ``identity``, ``message/3``."""
    return _matching(_COMPARTMENT, value, f"{where}: not the name of a compartment")


def check_event_type(value: str, where: str) -> str:
    """Return *value* if it has the shape of an event's type, such as ``case.withdrawn``."""
    return _matching(_TYPE, value, f"{where}: not a type of event")


def check_url(value: str, where: str) -> str:
    """Return *value* if it is an http(s) URL without query, fragment and trailing slash."""
    if len(value) > MAX_URL_CHARS:
        raise TextError(f"{where}: longer than {MAX_URL_CHARS} characters")
    return _matching(_URL, value, f"{where}: not a plain http or https URL without trailing slash")


def check_name(value: str, where: str) -> str:
    """Return *value* if it is short enough to be the name of something."""
    if len(value) > MAX_NAME_CHARS:
        raise TextError(f"{where}: longer than {MAX_NAME_CHARS} characters")
    return value


def parse_key(value: str, where: str) -> VerificationKey:
    """Return the note-signing key (type `ED25519`) that the vkey *value* spells."""
    key = VerificationKey.parse(value)
    if key.algorithm != ED25519:
        raise TextError(f"{where}: not a key that signs notes")
    return key


def parse_hash_or_none(value: str, where: str) -> bytes | None:
    """Return the hash that *value* spells, or None for a hyphen."""
    return None if value == NONE else parse_hex(value, HASH_SIZE, where)


def or_none(value: bytes | str | None) -> bytes | str:
    """Spell an absent field as a hyphen."""
    return NONE if value is None else value


def _matching(pattern: re.Pattern[str], value: str, message: str) -> str:
    if not pattern.fullmatch(value):
        raise TextError(message)
    return value

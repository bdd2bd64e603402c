"""Contents to read, and what becomes of them when they are mangled, for tests and vectors."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from dengwen_audit.statements.fields import CaseId
from dengwen_keys.contents import (
    MAX_IDENTITY_BYTES,
    MAX_LEFT_BYTES,
    AttachmentLine,
    IdentityPart,
    Left,
    Petition,
)
from tests.keys.office import seed

LEFT = Left(CaseId(seed("case")), seed("left"), "zh-hant", urgent=True)
FENCE = AttachmentLine("image/jpeg", 81_234, "fence behind the school.jpg")
PETITION = Petition(
    x=seed("x"),
    exclude=("institution:bar", "jurisdiction:CN-44"),
    attachments=(FENCE, AttachmentLine("application/pdf", 0, "决定书.pdf")),
    body="# The dam\n\nIt leaks.\n",
)
IDENTITY = IdentityPart("李秀英", "+86 10 5550 1234", "Chaoyang, Beijing", "only by telephone")

MANGLED_LEFT: dict[str, Callable[[bytes], bytes]] = {
    "another type": lambda b: b.replace(b"left/v1", b"left/v2"),
    "not urgent in another way": lambda b: b.replace(b"urgent 1", b"urgent 2"),
    "urgent with a zero more": lambda b: b.replace(b"urgent 1", b"urgent 01"),
    "a language in capitals": lambda b: b.replace(b"zh-hant", b"zh-Hant"),
    "a language of one letter": lambda b: b.replace(b"zh-hant", b"z"),
    "a short left": lambda b: b.replace(seed("left").hex().encode(), b"00" * 31),
    "a line more": lambda b: b + b"topic water\n",
    "padding": lambda b: b + b"\x00",
    "nothing": lambda _: b"",
    "too long": lambda b: b + b"a" * MAX_LEFT_BYTES + b"\n",
}

MANGLED_PETITION: dict[str, Callable[[bytes], bytes]] = {
    "another type": lambda b: b.replace(b"petition/v1", b"petition/v2"),
    "no x": lambda b: b.replace(b"x " + seed("x").hex().encode() + b"\n", b""),
    "no empty line": lambda b: b.replace(b"\n\n", b"\n"),
    "a code twice": lambda b: b.replace(b"jurisdiction:CN-44", b"institution:bar"),
    "codes in another order": lambda b: b.replace(b"institution:bar", b"member:bar"),
    "a code that is none": lambda b: b.replace(b"institution:bar", b"house:bar"),
    "attachments from 0": lambda b: b.replace(b"attachment 1", b"attachment 0"),
    "attachment 2 twice": lambda b: b.replace(b"attachment 1", b"attachment 2"),
    "attachment 01": lambda b: b.replace(b"attachment 1", b"attachment 01"),
    "no media type": lambda b: b.replace(b"image/jpeg", b"image"),
    "a media type in capitals": lambda b: b.replace(b"image/jpeg", b"image/JPEG"),
    "a length in hexadecimal": lambda b: b.replace(b"81234", b"0x13d52"),
    "no name": lambda b: b.replace(b" fence behind the school.jpg", b""),
    "a folder": lambda b: b.replace(b"fence behind", b"../behind"),
    "a carriage return": lambda b: b.replace(b"leaks.\n", b"leaks.\r\n"),
    "a null byte": lambda b: b + b"\x00",
    "an escape": lambda b: b + b"\x1b[2J",
    "not UTF-8": lambda b: b + b"\xff",
    "a line more": lambda b: b.replace(b"\n\n", b"\ntopic water\n\n", 1),
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + b,
}

MANGLED_IDENTITY: dict[str, Callable[[bytes], bytes]] = {
    "another status": lambda b: b.replace(b"status named", b"status secret"),
    "anonymous with a name": lambda b: b.replace(b"status named", b"status anonymous"),
    "no name": lambda b: b.replace("name 李秀英\n".encode(), b""),
    "another order": lambda b: b.replace(b"contact", b"address", 1),
    "a name twice": lambda b: b.replace(b"contact", b"name"),
    "white space": lambda b: b.replace(b"only by telephone", b"only by telephone "),
    "too long": lambda b: b.replace(b"Beijing", b"B" * MAX_IDENTITY_BYTES),
}


def _turn_tags(data: bytes) -> bytes:
    """Put the last tag first."""
    head, _, encoded = data.rpartition(b"tags ")
    tags = base64.b64decode(encoded)
    return head + b"tags " + base64.b64encode(tags[-16:] + tags[:-16]) + b"\n"


MANGLED_CONTEXT: dict[str, Callable[[bytes], bytes]] = {
    "another type": lambda b: b.replace(b"context/v1", b"context/v2"),
    "a line more": lambda b: b + b"note none\n",
    "a line less": lambda b: b[: b.rindex(b"tags")],
    "no last line end": lambda b: b[:-1],
    "capital hexadecimal": lambda b: re.sub(rb"(?<=case )[0-9a-f]+", lambda m: m[0].upper(), b),
    "a byte more": lambda b: b.replace(b"random ", b"random 00"),
    "a name that is none": lambda b: b.replace(b"compartment petition", b"compartment Petition"),
    "a member twice": lambda b: b.replace(b"reviewer-8", b"reviewer-3"),
    "two spaces in the panel": lambda b: b.replace(b" reviewer-8", b"  reviewer-8"),
    "too many members": lambda b: b.replace(
        b"reviewer-8", b" ".join(b"r%d" % i for i in range(16))
    ),
    "a tag less": lambda b: b[: b.rindex(b"tags")] + b"tags AAAAAAAAAAAAAAAAAAAAAA==\n",
    "equal tags": lambda b: b[: b.rindex(b"tags")] + b"tags " + b"A" * 342 + b"==\n",
    "tags in another order": _turn_tags,
}

"""Reading what is to be sealed: the text, the identity, the attached files."""

from __future__ import annotations

import contextlib
import mimetypes
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from dengwen_keys.contents import IdentityPart
from dengwen_keys.petition_file import MAX_FILE_BYTES
from dengwen_keys.sealing import Attachment
from dengwen_submit.errors import SubmitError
from dengwen_submit.watched import Progress, Watched

IDENTITY_FIELDS = ("name", "contact", "address", "note")

# The library's own table: that of this machine would tell something of the machine.
_TYPES = mimetypes.MimeTypes()


def read_text(path: Path) -> str:
    """
    Read the petition; line ends become LF, and the mark that some editors put first is dropped.

    Raises:
        SubmitError: If it is not UTF-8, or holds nothing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SubmitError("the text is not UTF-8: save it as UTF-8 and try again") from None
    if not text.strip():
        raise SubmitError("the text is empty")
    return text


def read_identity(path: Path | None) -> IdentityPart:
    """
    Read the identity from a TOML file; without a file, she does not say who she is.

    Raises:
        SubmitError: If the file holds anything but a name and what may stand beside it.
    """
    if path is None:
        return IdentityPart()
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SubmitError('the identity file is not TOML: write lines like name = "…"') from None
    is_text = all(isinstance(value, str) for value in fields.values())
    is_known = set(IDENTITY_FIELDS).issuperset(fields)
    if not is_text or not is_known or not fields.get("name", "").strip():
        raise SubmitError(
            "the identity file must hold a name and may hold contact, address and note, all text"
        )
    # A line of the sealed identity has no line ends; an address in several lines becomes one.
    told = {name: " ".join(value.split()) for name, value in fields.items()}
    return IdentityPart(**{name: value for name, value in told.items() if value})


def total_size(paths: Sequence[Path]) -> int:
    """
    Return the bytes of all files together.

    Raises:
        SubmitError: If no office would take them.
    """
    size = sum(path.stat().st_size for path in paths)
    if size > MAX_FILE_BYTES:
        raise SubmitError(
            f"the attached files are larger than the {MAX_FILE_BYTES >> 20} MiB that an office "
            "takes: leave some out, or make them smaller"
        )
    return size


def open_attachments(
    paths: Sequence[Path], stack: contextlib.ExitStack, progress: Progress
) -> tuple[Attachment, ...]:
    """Open the files to attach, until *stack* ends; *progress* hears of each piece that is read."""
    return tuple(_open(path, stack, progress) for path in paths)


def _open(path: Path, stack: contextlib.ExitStack, progress: Progress) -> Attachment:
    media_type = _TYPES.guess_type(path.name)[0] or "application/octet-stream"
    file = stack.enter_context(path.open("rb"))
    # Sealing only reads.
    source = cast("BinaryIO", Watched(file, progress))
    return Attachment(path.name, media_type, path.stat().st_size, source)

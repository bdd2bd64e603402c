"""
What everybody may fetch: static files, the same for all, that any cache or mirror may keep.

The names are a closed list, so that a request can neither leave the public folder nor list it.
A file whose name holds its content's hash, number or place never changes; the few that do are kept
for as long as a tick.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, abort, request

FOREVER = 365 * 24 * 3600  # seconds
TEXT_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"

_HASH = "[0-9a-f]{64}"
_TILE = r"log/tile/(?:entries|[0-9]{1,2})/(?:x[0-9]{3}/){0,6}[0-9]{3}(?:\.p/[0-9]{1,3})?"
_UNCHANGING = re.compile(rf"cards/[0-9]{{1,9}}|rosters/{_HASH}(?:\.tlog-proof)?|{_TILE}")
_CHANGING = re.compile(r"card|roster|latest\.tlog-proof|log/checkpoint")

GUIDE = """\
This office takes petitions that are sealed on your own device.

Nobody here can read them: a reviewer who was drawn for yours needs, each time, the help of
several other institutions, and every such turn of a key is in a public log that you can check.

  pip install dengwen
  dengwen-submit card {door}     then compare the fingerprint
  dengwen-submit seal petition.md --anonymous --out petition.petition
  dengwen-submit send petition.petition
  dengwen-submit status
"""


def public_files(folder: Path, door: str, tick: int) -> Blueprint:
    """
    Return the views of the public files in *folder*.

    Args:
        folder: What the sequencer publishes into.
        door: The card's URL of this door, for the guide on the first page.
        tick: Seconds for which a changing file may be kept.
    """
    views = Blueprint("public", __name__)

    @views.get("/")
    def guide() -> Response:
        return Response(GUIDE.format(door=door), content_type=TEXT_TYPE)

    @views.get("/<path:name>")
    def public_file(name: str) -> Response:
        return send_public(folder, name, tick)

    return views


def is_public(name: str) -> bool:
    """Tell whether a file of this *name* may be fetched, if it is there."""
    return bool(_UNCHANGING.fullmatch(name) or _CHANGING.fullmatch(name))


def send_public(folder: Path, name: str, tick: int) -> Response:
    """Answer with the public file of this *name*, or 404."""
    is_unchanging = _UNCHANGING.fullmatch(name) is not None
    if not is_unchanging and not _CHANGING.fullmatch(name):
        abort(HTTPStatus.NOT_FOUND)
    try:
        # Read at once: a file that is replaced meanwhile is sent as it was or as it is.
        data = (folder / name).read_bytes()
    except OSError:
        abort(HTTPStatus.NOT_FOUND)
    answer = Response(data, content_type=TILE_TYPE if name.startswith("log/tile/") else TEXT_TYPE)
    answer.cache_control.public = True
    answer.cache_control.max_age = FOREVER if is_unchanging else tick
    if is_unchanging:
        answer.cache_control.immutable = True
    answer.add_etag()  # of the content, so that every door and mirror gives the same one
    answer.make_conditional(request, accept_ranges=True, complete_length=len(data))
    return answer

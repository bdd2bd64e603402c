"""Runs a script of this folder in Node: JSON goes in by standard input and comes back by output."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE

FOLDER = Path(__file__).parent


def run_node(script: str, request: object = None) -> Any:  # noqa: ANN401 - JSON
    """Run *script* once for a whole batch: starting Node takes longer than what it then does."""
    done = subprocess.run(
        ["node", str(FOLDER / script)],
        cwd=FOLDER,
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json.loads(done.stdout)


def to_json(data: bytes) -> str:
    """Spell bytes for the other side."""
    return base64.b64encode(data).decode("ascii")


def from_json(text: str) -> bytes:
    """Read bytes from the other side."""
    return base64.b64decode(text, validate=True)

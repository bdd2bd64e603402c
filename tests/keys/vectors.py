"""Reads the vector files that both languages share."""

import json
from typing import Any

from tests.architecture.tree import ROOT


def read_vectors(name: str) -> Any:  # noqa: ANN401 - JSON
    """Return what the file *name* of tests/vectors holds."""
    return json.loads((ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8"))

"""What the makers of vector files share: the header of a file, and rows of cases."""

from __future__ import annotations

import json

from tests.mangling import Spelt

SOURCE = (
    "Made for this project by tests/vectors/log_vectors.py from fixed seeds; no other source. "
    "A seed is SHA-256('dengwen test ' followed by its label)."
)

Case = dict[str, object]


def vector_file(comment: str, **content: object) -> Case:
    """Return the content of one file, its header first."""
    return {"source": SOURCE, "comment": comment, **content}


def to_json(content: Case) -> str:
    """Spell one file."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def to_cases(rows: list[tuple[str, str, str]], name: str) -> list[Case]:
    """Return a case for each comment, expectation and value; *name* is that of the value."""
    return [{"comment": comment, "expect": expect, name: value} for comment, expect, value in rows]


def spelt(value: Spelt) -> str:
    """Spell a value as text."""
    return value.to_bytes().decode()

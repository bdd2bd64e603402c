"""A watched file reads as it is, and tells of every byte once."""

import io

from hypothesis import given
from hypothesis import strategies as st

from dengwen_submit.watched import Watched


@given(data=st.binary(max_size=1000), size=st.integers(1, 300))
def test_a_watched_file_reads_as_it_is_and_counts(data: bytes, size: int) -> None:
    """Whatever the size of the pieces, the steps add up to the file."""
    steps: list[int] = []
    file = Watched(io.BytesIO(data), steps.append)
    pieces = list(iter(lambda: file.read(size), b""))
    assert b"".join(pieces) == data
    assert sum(steps) == len(data)
    assert all(0 <= step <= size for step in steps)

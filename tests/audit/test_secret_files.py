"""A secret is its owner's alone, or lent by the service manager, which sees to it."""

from pathlib import Path

import pytest

from dengwen_audit import secret_files
from dengwen_audit.secret_files import LENT, is_open_to_others


@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o400, False), (0o440, True)])
def test_a_mode_tells_who_may_read(tmp_path: Path, mode: int, *, is_open: bool) -> None:
    """The owner's own rights are nobody else's."""
    assert is_open_to_others(tmp_path / "key", 0o100000 | mode) is is_open


def test_what_the_service_manager_lends_is_closed(tmp_path: Path) -> None:
    """Its folder lets nobody else in; the mode of 0440 is how an access list looks."""
    lent = LENT / "dengwen-door.service" / "intake.key"
    link = tmp_path / "intake.key"
    link.symlink_to(lent)
    assert not is_open_to_others(lent, 0o100440)
    assert not is_open_to_others(link, 0o100440)


@pytest.mark.parametrize("path", ["/run/credentials2/key", "/run/key", "/run/credentials/../key"])
def test_what_lies_elsewhere_is_not_lent(path: str) -> None:
    """The name alone lends nothing."""
    assert is_open_to_others(Path(path), 0o100440)
    assert str(secret_files.LENT) == "/run/credentials"

"""Whether a file that holds a secret is its owner's alone."""

from __future__ import annotations

import stat
from pathlib import Path

LENT = Path("/run/credentials")  # where systemd lends a service its keys (`LoadCredential=`)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_open_to_others(path: Path, mode: int) -> bool:
    """
    Tell whether a file with this *mode* can be read or changed by others than its owner.

    What systemd lends lies in a folder that nobody but root and the service can enter, and belongs
    to root; that the service may read it is an entry in an access list, which a mode shows as if it
    were a group's right.
    """
    return bool(mode & _OTHERS) and not path.resolve().is_relative_to(LENT)

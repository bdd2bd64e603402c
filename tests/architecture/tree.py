"""What the house rules are read from: the files of this repository."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_FOLDERS = ("audit", "keys", "vault", "submit")


@functools.cache
def files() -> tuple[Path, ...]:
    """List every file that is tracked, or would be on the next `git add`, by its path from ROOT."""
    # In a container the checkout may belong to somebody else; listing its files is no risk.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    paths = sorted({Path(name) for name in names.split("\0") if name})
    return tuple(path for path in paths if (ROOT / path).is_file())


def read(path: Path | str) -> str:
    """Read one file as text; a file that is not text reads as nothing."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""

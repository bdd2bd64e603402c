"""
The sequencer's database work beside a door: a record now and then, of all that is in line.

    python -m bench.crowd.sequence FOLDER SECONDS

Nothing is signed or published, which costs the same however many events a record has. Its clock
stands still, as the office's does.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.vault import Vault
from tests.vault.office import NOON


def main() -> None:
    """Make records until told to stop."""
    folder, seconds = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    vault = Vault(Path(folder), lambda: NOON)
    store = VaultEpochStore(vault.store)
    print("ready", flush=True)
    begun = time.monotonic()
    while not stop.wait(max(0.0, begun + float(seconds) - time.monotonic())):
        begun = time.monotonic()
        store.commit_tick(store.size(), NOON)
    vault.close()


if __name__ == "__main__":
    main()

"""
Several processes behind one socket, for more than one core of checks.

Each is a whole door with its own queue; the database keeps their writing apart, and their tickets
hold at each of them. They end when the process that started them ends, however it ends: each holds
one end of a pipe and sees the other one close. If one of them fails, all end, so that whoever
watches over the service starts all of them again.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType

BACKLOG = 4096

Serve = Callable[[socket.socket, threading.Event], None]


def run_crew(
    count: int, address: tuple[str, int], serve: Serve, on_ready: Callable[[int], None]
) -> int:
    """
    Run *serve* in so many processes until SIGTERM or SIGINT; return the exit code.

    Args:
        serve: Opens files and databases itself, since it runs after the fork; ends when the event
            is set.
        on_ready: Called once with the port.
    """
    listener = socket.create_server(address, backlog=BACKLOG)
    watched, held = os.pipe()
    pids = {_fork(serve, listener, watched, held) for _ in range(count)}
    os.close(watched)
    ending: list[int] = [held]

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        while ending:
            os.close(ending.pop())

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    on_ready(listener.getsockname()[1])
    listener.close()
    failures = 0
    while pids:
        pid, status = os.wait()
        pids.discard(pid)
        failures += status != 0 or bool(ending)  # nobody had asked it to end
        end()
    return 1 if failures else 0


def _fork(serve: Serve, listener: socket.socket, watched: int, held: int) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(held)
        for number in (signal.SIGTERM, signal.SIGINT):  # the first process tells when to end
            signal.signal(number, signal.SIG_IGN)
        stop = threading.Event()
        threading.Thread(target=_watch, args=(watched, stop), daemon=True).start()
        serve(listener, stop)
        code = 0
    except BaseException:  # noqa: BLE001  # this process ends here, whatever it was
        traceback.print_exc()
    finally:
        os._exit(code)


def _watch(watched: int, stop: threading.Event) -> None:
    """Wait for the end of a pipe in which nobody ever writes."""
    os.read(watched, 1)
    stop.set()

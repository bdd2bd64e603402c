"""
Runs a command as a shipped unit would let it run, where systemd is not the first process.

The kernel is told what systemd would tell it: the filters of system calls, of address families and
of memory that is both written and run, no rights of root, no core file, and, if the tests are root,
a file system that can be written only where the unit says so. What this does not do: accounts of
their own, network filters, private devices and the other name spaces.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # what libseccomp calls them
_NOT_EQUAL, _EQUAL_IN_MASK = 1, 7
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP, _LAST_CAPABILITY = 38, 24, 40
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Confinement:
    """What a unit allows."""

    calls: Sequence[str]
    families: Sequence[str]
    writable: Sequence[str]
    umask: int
    files: int
    hidden: Sequence[str] = ()


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


class _Filter:
    """A filter of libseccomp."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, *comparisons: _Comparison) -> None:
        """Add a rule; a call that this machine does not have needs none."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            array = (_Comparison * len(comparisons))(*comparisons)
            call_it = self._library.seccomp_rule_add_array
            code = call_it(self._context, ctypes.c_uint32(action), number, len(comparisons), array)
            assert code == 0, (call, code)

    def load(self) -> None:
        """Let it hold from now on, also for what is run by `exec`."""
        assert self._library.seccomp_load(self._context) == 0


def confine(confinement: Confinement) -> None:
    """Confine this process for good."""
    if os.geteuid() == 0:
        _write_only(confinement.writable, confinement.hidden)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = min(confinement.files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
    os.umask(confinement.umask)
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    assert _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    _deny_families(confinement.families)
    _deny_write_execute()
    _allow_calls(confinement.calls)


def _allow_calls(calls: Sequence[str]) -> None:
    allowed = _Filter(_ERRNO | errno.EPERM)
    for call in calls:
        allowed.add(_ALLOW, call)
    allowed.load()


def _deny_families(families: Sequence[str]) -> None:
    denied = _Filter(_ALLOW)
    numbers = {int(getattr(socket, family)) for family in families}
    for number in set(range(1, 46)) - numbers:
        denied.add(_ERRNO | errno.EAFNOSUPPORT, "socket", _Comparison(0, 4, number, 0))
    denied.load()


def _deny_write_execute() -> None:
    both = _PROT_WRITE | _PROT_EXEC
    denied, refusal = _Filter(_ALLOW), _ERRNO | errno.EPERM
    denied.add(refusal, "mmap", _Comparison(2, _EQUAL_IN_MASK, both, both))
    for call in ("mprotect", "pkey_mprotect"):
        denied.add(refusal, call, _Comparison(2, _EQUAL_IN_MASK, _PROT_EXEC, _PROT_EXEC))
    denied.add(refusal, "shmat", _Comparison(2, _EQUAL_IN_MASK, _SHM_EXEC, _SHM_EXEC))
    denied.load()


def _write_only(folders: Sequence[str], hidden: Sequence[str]) -> None:
    """Let this process write into these folders only, and see nothing of those that are hidden."""
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    for folder in folders:
        path = folder.encode()
        _check(_libc.mount(path, path, None, _MS_BIND, None))
    for place in hidden:
        _check(_libc.mount(b"none", place.encode(), b"tmpfs", 0, b"mode=000"))
    _set_readonly("/", is_readonly=True, flags=_AT_RECURSIVE)
    for folder in folders:
        _set_readonly(folder, is_readonly=False, flags=0)


def _set_readonly(path: str, *, is_readonly: bool, flags: int) -> None:
    values = (_MOUNT_ATTR_RDONLY, 0, 0, 0) if is_readonly else (0, _MOUNT_ATTR_RDONLY, 0, 0)
    attributes = (ctypes.c_uint64 * 4)(*values)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    call = (_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, attributes, size)
    _check(_libc.syscall(*call))


def _check(code: int) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def to_words(confinement: Confinement, command: Sequence[str]) -> list[str]:
    """Spell the command that runs *command* confined."""
    order = {"confinement": asdict(confinement), "command": list(command)}
    return [sys.executable, str(Path(__file__)), json.dumps(order)]


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    confine(Confinement(**told["confinement"]))
    os.execv(told["command"][0], told["command"])  # noqa: S606  # that is the point

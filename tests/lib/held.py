"""Logins that Lockstep holds, and what a login of somebody else costs meanwhile.

As many as may be are verified at one address, by a backend that takes its time;
then others come from there, which have to wait until these have settled.
"""

import contextlib
import pathlib

from .cast import IP_FAILURES, cast

LONG_MS = 60000  # longer than anybody is held


def auth_pid(stack):
    """Of the stack's auth process, which verifies."""
    for process in stack.processes():
        line = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        if line.split("\0")[0].endswith("/auth") and "\0-w" not in line:
            return process.pid
    raise AssertionError("no auth process")


def cpu_seconds(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text()
               .split()[0]) / 1e9


def barrier(auth, address):
    """Returns when the auth process has read what was sent before: it refuses one
    that is locked, whatever the backend does."""
    who = cast()
    assert not auth.wait(auth.send(who.user, who.password, ip=address)).ok


@contextlib.contextmanager
def held(stack, number):
    """So many logins are held while the block runs, which must take less than 8 s."""
    who, locked, address = cast(), cast().guesser, cast().guesser
    assert stack.lockstep("lock", locked).returncode == 0
    with stack.auth() as auth:
        if number > 0:
            stack.passdb(delay_ms=LONG_MS)
            for word in range(IP_FAILURES):
                auth.send(who.user, f"no-{address}-{word}", ip=address)
            barrier(auth, locked)
            stack.passdb()
            for _ in range(number):
                auth.send(who.user, who.password, ip=address)
        barrier(auth, locked)
        yield


def cost(stack, people, number):
    """The auth process's CPU seconds for each login of these people, one after
    another, each at a place of its own, while so many others are held."""
    with held(stack, number), stack.auth() as auth:
        pid = auth_pid(stack)
        before = cpu_seconds(pid)
        for who in people:
            assert auth.wait(auth.send(who.user, who.password,
                                       ip=who.owner)).ok
        return (cpu_seconds(pid) - before) / len(people)

"""Mail sessions that stay: begun at once, asked whether they live, listed."""

import functools
import imaplib
import json
import signal

from . import processes
from .cast import at_once


def begin(stack, who, count=1, door="imap", **how):
    """So many sessions of a cast at the same time; returns the answers. Those
    that were let in stay (Answer.connection)."""
    call = functools.partial(stack.login, door, who.number,
                             ip=how.pop("ip", who.owner), keep=True, **how)
    return at_once([call] * count)


def is_alive(answer):
    """Does the server still answer an IMAP session? One that was let in beside
    others hears OK, and then BYE."""
    if not answer.ok:
        return False
    try:
        return answer.connection.noop()[0] == "OK"
    except (imaplib.IMAP4.error, OSError):
        return False


def alive(answers):
    lives = at_once([functools.partial(is_alive, a) for a in answers])
    return [a for a, lives in zip(answers, lives) if lives]


def close(answers):
    for answer in answers:
        answer.close()


def pids(stack, who, program="imap"):
    """Of the processes of a cast's sessions; for those that serve one each."""
    out = stack.doveadm("-f", "json", "who", who.user)
    assert out.returncode == 0, out
    return [int(pid) for row in json.loads(out.stdout)
            for pid in row["pids"].strip("()").split()
            if row["service" if "service" in row else "proto"] == program]


def kill(numbers):
    """Until they are gone: a process that ends has closed its connections
    already while it still is one."""
    doomed = [processes.of(pid) for pid in numbers]
    for process in doomed:
        process.signal(signal.SIGKILL)
    processes.wait_for_end(doomed)

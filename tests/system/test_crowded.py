"""A small table and more locks than it has room for: they end early, new people get
in, and the administrator is told."""

import json
import re

from lib.attempts import attempt, log_in
from lib.cast import GUESS_ACCOUNTS, USERS, cast, guesses, networks6
from lib.stack import Stack

SUBJECTS = 1024
LOCKS = 900  # some six for each bucket of seven


def lock_passwords(auth, count):
    """Each tried on as many accounts as lock it for strangers."""
    numbers = iter(range(1, count * GUESS_ACCOUNTS + 1))
    for _ in range(0, count, 100):
        words = guesses(100)
        names = [f"user{next(numbers) % USERS + 1}@example.test"
                 for _ in range(100 * GUESS_ACCOUNTS)]
        addresses = networks6(len(names))
        attempt(auth, [{"user": name, "password": words[i // GUESS_ACCOUNTS],
                        "ip": addresses[i]} for i, name in enumerate(names)])


def told(stack):
    return [line for line in stack.dovecot_log().splitlines()
            if "the table of subjects has no room" in line]


def test_log_and_status_tell():
    with Stack(users=USERS, policy=f"subjects = {SUBJECTS}\n") as stack:
        home, = networks6(1)
        owner = cast()
        with stack.auth() as auth:
            assert log_in(auth, owner, home)
            assert told(stack) == []
            lock_passwords(auth, LOCKS)
            assert 150 < len(stack.locks()) < LOCKS - 100
            # What is familiar stays so, and what is new becomes it.
            new = [cast() for _ in range(20)]
            for who, ip in zip(new, networks6(20)):
                assert log_in(auth, who, ip)
            places = json.loads(stack.lockstep("status", "--json").stdout)
            assert places["guard"]["familiar"] == 21
        stack.poll(lambda: told(stack), what="the line in the log")
        assert re.search(r"no room: since this was last said, logins and "
                         r"messages of strangers without a slot: \d+, of these "
                         r"refused: \d+, and locks that ended early: \d+: raise "
                         r"`subjects` in lockstep\.conf$", told(stack)[0])
        # Once a minute, however many there are.
        assert len(told(stack)) <= 3
        out = stack.lockstep("status")
        assert out.returncode == 1
        assert re.search(r"^problem +guard: has no room, last \d+ s ago: ",
                         out.stdout, re.M), out.stdout
        assert places["guard"]["locks_evicted"] > 0
        assert "crowded" in places["guard"]

"""Dovecot's own brake on addresses that fail is off while Lockstep decides, on while
it does not, and needs no setting for either.

Measured beside the brake itself on the same machine: it makes an address that failed
once wait for 4 s, and each start of auth wait for 5 s behind a socket that nobody
listens on.
"""

import pathlib
import re
import time

import pytest

from lib import dovecot
from lib.attempts import guess, log_in
from lib.cast import IP_FAILURES, USERS, cast
from lib.stack import Stack


# Without a delay of failures 2.4 has no brake either.
SETTINGS = ["auth_failure_delay = 1 secs"]


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, dovecot=SETTINGS) as running:
        yield running


def took(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def switch(stack, mode):
    conf = pathlib.Path(stack.env["LOCKSTEP_CONF"])
    text = re.sub(r"^mode = .*\n", "", conf.read_text(), flags=re.M)
    conf.write_text(f'mode = "{mode}"\n{text}')
    out = stack.lockstep("compile", conf)
    assert out.returncode == 0, out


def braked(auth):
    """How long an address waits that has failed once, and the brake is on."""
    who = cast()
    guess(auth, who, [who.guesser])
    return took(lambda: log_in(auth, who, who.guesser))


def guessed(auth):
    """How long it takes to refuse an address that has failed ten times, and to let
    the owner in from there once it is familiar."""
    who = cast()
    assert log_in(auth, who, who.owner)
    guess(auth, cast(), [who.owner] * IP_FAILURES)

    def act():
        assert not log_in(auth, cast(), who.owner)
        assert log_in(auth, who, who.owner)
    return took(act)


def test_off_while_lockstep_decides(stack, auth):
    who = cast()
    decided = guessed(auth)
    switch(stack, "observe")
    # The brake was asked about this login before Lockstep saw the new policy.
    assert log_in(auth, who, who.owner)
    observed = braked(auth)
    assert "Dovecot's own brake is on meanwhile" in \
        stack.lockstep("status").stdout
    switch(stack, "enforce")
    assert log_in(auth, who, who.owner)
    again = guessed(auth)
    assert "brake" not in stack.lockstep("status").stdout
    assert observed > 3.5
    assert decided < observed and again < observed


def test_on_while_there_is_no_state():
    """Nobody guards then but Dovecot."""
    with Stack(users=USERS, dovecot=SETTINGS) as stack:
        with stack.auth() as auth:
            decided = guessed(auth)
        stack.stop("dovecot")
        guard = pathlib.Path(stack.env["STATE_DIR"]) / "guard"
        guard.write_bytes(b"no guard")
        stack.start("dovecot")
        with stack.auth() as auth:
            assert braked(auth) > max(decided, 3.5)
        assert "logins pass unguarded" in stack.dovecot_log()


def auth_starts(stack):
    """How long it takes until somebody is in."""
    who = cast()
    stack.kill_auth()

    def act():
        with stack.auth_again() as auth:
            assert log_in(auth, who, who.owner)
    return took(act)


def test_no_login_waits_for_auth_to_start():
    with Stack(users=USERS) as stack:
        stock = auth_starts(stack)
        assert "anvil-auth-penalty" not in stack.dovecot_log()
        # What was advised before: the socket of the last start is still there.
        stack.stop("dovecot")
        with open(stack.env["DOVECOT_CONF"], "a", encoding="utf-8") as conf:
            conf.write("\n".join(dovecot.NO_PENALTY) + "\n")
        stack.start("dovecot")
        assert auth_starts(stack) > max(stock, 4.5)
        # Whoever has that from an older version is told.
        stack.poll(lambda: re.search(
            r"Warning: lockstep: nobody listens on the socket "
            r"anvil-auth-penalty: .* remove `unix_listener anvil-auth-penalty ",
            stack.dovecot_log()), what="the warning")

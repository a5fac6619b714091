"""What all system tests share."""

import os

import pytest

from lib import alike, dovecot
from lib.attempts import log_in
from lib.cast import USERS, cast
from lib.stack import Stack

# What is true of one version of Dovecot only has a file of its own.
collect_ignore = [dovecot.either("test_oauth_2_4.py", "test_oauth_2_3.py")]


@pytest.fixture(scope="module")
def stack():
    """A stack with the policy that Lockstep comes with, where no file says
    otherwise."""
    with Stack(users=USERS) as running:
        yield running


@pytest.fixture(scope="module")
def auth(stack):
    """Logins at Dovecot's auth socket, as Postfix asks there: many addresses
    and users in little time."""
    with stack.auth() as client:
        yield client


@pytest.fixture
def barrier(stack):
    """A function that returns when the auth process has read all that was sent
    to it before: it refuses one login more, whatever the backend does."""
    who = cast()
    assert stack.lockstep("lock", who.guesser).returncode == 0

    def reached(auth):
        assert not log_in(auth, who, who.guesser)
    return reached


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Once more where luck made one of two guesses, and for that alone: it is
    proven by the journal."""
    given = {name: pyfuncitem.funcargs[name]
             for name in pyfuncitem._fixtureinfo.argnames}
    for last in [False] * alike.AGAIN + [True]:
        alike.forget()
        try:
            pyfuncitem.obj(**given)
            break
        except AssertionError:
            for value in given.values():
                if isinstance(value, Stack):
                    value.look_for_alike()
            if last or not alike.found():
                raise
            print(f"guesses that look alike, at {alike.found()}: once more")
    return True


def pytest_terminal_summary(terminalreporter):
    """In quiet runs too: with how many clients the storms were."""
    full = bool(os.environ.get("LOCKSTEP_FULL"))
    terminalreporter.write_line(
        "storms: 500 connections at once, full size" if full else
        "storms: 50 connections at once; LOCKSTEP_FULL=1 makes them 500")

"""Bearer tokens with Dovecot 2.4: bad ones never come to Lockstep, which counts
none and gets in nobody's way."""

import time

import pytest

from lib.attempts import attempt, counter, guess_calls, locked, log_in
from lib.cast import IP_FAILURES, USERS, cast
from lib.stack import Stack
from lib.tokens import MECHANISMS, asked, bad_tokens, good, send_all

TOO_MANY = 2 * IP_FAILURES


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, oauth2=True) as running:
        yield running


def logins(stack, who):
    """(verdict, outcome) of each."""
    return [(e["verdict"], e.get("outcome")) for e in stack.events("login")
            if e["user"] == who.user]


@pytest.mark.parametrize("mech", MECHANISMS)
def test_bad_tokens_are_not_counted(stack, auth, mech):
    who = cast()
    ids = send_all(auth, who, bad_tokens(who, TOO_MANY),
                   [who.guesser] * TOO_MANY, mech)
    assert not any(auth.wait(i).ok for i in ids)
    assert asked(stack, f"bad-{who.number}-") == TOO_MANY
    assert logins(stack, who) == []
    assert log_in(auth, who, who.guesser, good(who), mech=mech)
    assert logins(stack, who) == [("admit", "success")]


def test_passwords_are_counted_beside_them(stack, auth):
    who = cast()
    seen = counter(stack)
    ids = send_all(auth, who, bad_tokens(who, TOO_MANY),
                   [who.guesser] * TOO_MANY, "XOAUTH2")
    replies = attempt(auth, guess_calls([who.user] * TOO_MANY,
                                        [who.guesser] * TOO_MANY))
    assert not any(reply.ok for reply in replies)
    assert not any(auth.wait(i).ok for i in ids)
    assert len(seen()) == IP_FAILURES
    assert ("ip", who.guesser) in locked(stack)
    # The mechanism finds the token good, and the answer is no all the same.
    assert not log_in(auth, who, who.guesser, good(who), mech="XOAUTH2")
    assert logins(stack, who)[-1] == ("deny", None)


@pytest.mark.parametrize("mech", MECHANISMS)
def test_clients_that_drop_at_the_challenge(stack, mech):
    """Nothing of them stays in flight."""
    who = cast()
    for token in bad_tokens(who, TOO_MANY):
        with stack.auth() as auth:
            request = auth.send(who.user, token, ip=who.guesser, mech=mech)
            assert auth.challenge(request)
    with stack.auth() as auth:
        assert log_in(auth, who, who.guesser, good(who), mech=mech)
    assert logins(stack, who) == [("admit", "success")]


def test_refusal_does_not_wait(stack, auth):
    """As long as other mechanisms' verifications take: a token is refused after
    its own, and more would tell that it was good."""
    who, delay = cast(), 3
    assert stack.lockstep("lock", who.guesser).returncode == 0
    stack.passdb(delay_ms=delay * 1000)
    try:
        assert not log_in(auth, who, who.stranger, "wrong",
                          mech="SCRAM-SHA-256")
        began = time.monotonic()
        assert not log_in(auth, who, who.guesser, good(who), mech="XOAUTH2")
        assert time.monotonic() - began < delay * 0.9
    finally:
        stack.passdb()

"""Logins by the auth socket of which nobody tells an address: those of a calendar
server, an XMPP server, `doveadm auth test`."""

import pytest

from lib.attempts import attempt, counter, guess_calls, log_in, locked
from lib.cast import GUESS_ACCOUNTS, USER_FAILURES, cast, crowd, guesses


def events_of(stack, who):
    return [e for e in stack.events("login") if e["user"] == who.user]


def auth_test(stack, who, password):
    """Whether `doveadm auth test` succeeds."""
    out = stack.doveadm("auth", "test", who.user, password)
    assert "auth succeeded" in out.stdout or "auth failed" in out.stdout, out
    return "auth succeeded" in out.stdout


@pytest.mark.parametrize("mech", ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"])
def test_the_limit_holds(stack, auth, mech):
    """Of 150 guesses at once the account's limit is verified, and no more."""
    who, seen = cast(), counter(stack)
    replies = attempt(auth, guess_calls([who.user] * 150, [None] * 150,
                                        mech=mech))
    assert not any(reply.ok for reply in replies)
    admitted = [e for e in events_of(stack, who) if e["verdict"] == "admit"]
    assert len(admitted) == USER_FAILURES
    if mech == "PLAIN":
        assert len(seen(who.user)) == USER_FAILURES
    assert ("user", who.user) in locked(stack)
    assert not log_in(auth, who, None)
    assert not log_in(auth, who, who.stranger)


def test_both_ways_are_one_limit(stack, auth):
    who, seen = cast(), counter(stack)
    assert log_in(auth, who, who.owner)
    for word in guesses(USER_FAILURES // 2):
        assert not auth_test(stack, who, word)
    replies = attempt(auth, guess_calls([who.user] * 150, [None] * 150))
    assert not any(reply.ok for reply in replies)
    assert len(seen(who.user)) == 1 + USER_FAILURES
    # Its owner's place is as it was.
    assert log_in(auth, who, who.owner)


@pytest.mark.parametrize("order", ["freeze", "lock"])
def test_orders_hold(stack, auth, order):
    who, seen = cast(), counter(stack)
    assert auth_test(stack, who, who.password)
    assert log_in(auth, who, None)
    assert stack.lockstep(order, who.user, "--for", "1h").returncode == 0
    assert not auth_test(stack, who, who.password)
    assert not log_in(auth, who, None)
    assert not log_in(auth, who, None, mech="SCRAM-SHA-256")
    assert len(seen(who.user)) == 2
    end = "release" if order == "freeze" else "unlock"
    assert stack.lockstep(end, who.user).returncode == 0
    assert auth_test(stack, who, who.password)


def test_one_password_on_many_accounts(stack, auth):
    people, seen = crowd(3 * GUESS_ACCOUNTS), counter(stack)
    word, = guesses(1)
    replies = attempt(auth, [{"user": who.user, "password": word, "ip": None}
                             for who in people])
    assert not any(reply.ok for reply in replies)
    assert len(seen()) == GUESS_ACCOUNTS


def test_nothing_becomes_familiar(stack, auth):
    who = cast()
    for _ in range(3):
        assert log_in(auth, who, None, service="xmpp")
    assert [(e["service"], e["outcome"], "address" in e, "network" in e)
            for e in events_of(stack, who)] == \
        [("xmpp", "success", False, False)] * 3
    assert f"{who.user} no address success (PLAIN)" in \
        stack.lockstep("events", "--user", who.user).stdout
    assert "no address" in stack.lockstep("explain", who.user).stdout
    assert stack.lockstep("list", "familiar", who.user, "--json").stdout == ""
    assert stack.lockstep("lock", who.user).returncode == 0
    assert not log_in(auth, who, None, service="xmpp")
    assert not log_in(auth, who, who.owner)

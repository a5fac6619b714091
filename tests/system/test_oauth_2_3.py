"""Bearer tokens with Dovecot 2.3: one that the identity provider does not know is
a wrong password, also where the client does not stay to hear it."""

import functools

import pytest

from lib.attempts import counter, guess, locked, log_in, open_doors
from lib.cast import IP_FAILURES, USER_FAILURES, USERS, at_once, cast, networks
from lib.clients import DOORS
from lib.stack import Stack
from lib.tokens import MECHANISMS, asked, bad_tokens, good, send_all

TOO_MANY = 2 * IP_FAILURES


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, oauth2=True) as running:
        yield running


@pytest.mark.parametrize("mech", MECHANISMS)
def test_bad_tokens_from_one_address(stack, auth, mech):
    who = cast()
    ids = send_all(auth, who, bad_tokens(who, TOO_MANY),
                   [who.guesser] * TOO_MANY, mech)
    assert not any(auth.wait(i).ok for i in ids)
    assert asked(stack, f"bad-{who.number}-") == IP_FAILURES
    assert ("ip", who.guesser) in locked(stack)

    # The good one, and the password, are refused there, and nobody is asked.
    assert not log_in(auth, who, who.guesser, good(who), mech=mech)
    assert not log_in(auth, who, who.guesser)
    assert asked(stack, good(who)) == 0 and stack.verified(who.number) == []
    assert log_in(auth, who, who.owner, good(who), mech=mech)


@pytest.mark.parametrize("mech", MECHANISMS)
def test_bad_tokens_from_many_networks(stack, auth, mech):
    who, count = cast(), 3 * USER_FAILURES
    assert log_in(auth, who, who.owner, good(who), mech=mech)
    ids = send_all(auth, who, bad_tokens(who, count), networks(count), mech)
    assert not any(auth.wait(i).ok for i in ids)
    assert asked(stack, f"bad-{who.number}-") == USER_FAILURES
    assert ("user", who.user) in locked(stack)
    # Where a token was good, it is, and the password as well.
    assert log_in(auth, who, who.owner, good(who), mech=mech)
    assert open_doors(stack, who, who.owner) == set(DOORS)


@pytest.mark.parametrize("mech", MECHANISMS)
def test_client_that_drops_at_the_challenge(stack, mech):
    """A refused token is told in a challenge. Whoever hangs up there knows as
    much as who answers it."""
    who = cast()
    for token in bad_tokens(who, IP_FAILURES):
        with stack.auth() as auth:
            request = auth.send(who.user, token, ip=who.guesser, mech=mech)
            assert auth.challenge(request)
    stack.poll(lambda: ("ip", who.guesser) in locked(stack), what="the lock")
    with stack.auth() as auth:
        for token in bad_tokens(who, 3):
            assert not log_in(auth, who, who.guesser, token, mech=mech)
        assert not log_in(auth, who, who.guesser, good(who), mech=mech)
    assert asked(stack, f"bad-{who.number}-") == IP_FAILURES
    outcomes = {e["outcome"] for e in stack.events("login")
                if e["user"] == who.user and e["verdict"] == "admit"}
    assert outcomes == {"wrong"}


@pytest.mark.parametrize("mech", MECHANISMS)
def test_clients_that_drop_all_at_once(stack, mech):
    who = cast()

    def drops(token):
        with stack.auth() as auth:
            request = auth.send(who.user, token, ip=who.guesser, mech=mech)
            auth.challenge(request)

    at_once(functools.partial(drops, token)
            for token in bad_tokens(who, TOO_MANY))
    stack.poll(lambda: ("ip", who.guesser) in locked(stack), what="the lock")
    assert asked(stack, f"bad-{who.number}-") == IP_FAILURES


def test_token_again_is_not_free(stack, auth):
    """Tokens leave no fingerprint: each try is charged."""
    who = cast()
    token = f"bad-{who.number}-again"
    ids = send_all(auth, who, [token] * TOO_MANY, [who.guesser] * TOO_MANY,
                   "OAUTHBEARER")
    assert not any(auth.wait(i).ok for i in ids)
    assert asked(stack, token) == IP_FAILURES


def test_tokens_and_passwords_share_the_limit(stack, auth):
    who = cast()
    seen = counter(stack)
    ids = send_all(auth, who, bad_tokens(who, 6), [who.guesser] * 6, "XOAUTH2")
    assert not any(auth.wait(i).ok for i in ids)
    guess(auth, who, [who.guesser] * IP_FAILURES)
    assert len(seen()) == IP_FAILURES - 6


def test_at_the_doors(stack):
    who = cast()
    at_once(functools.partial(stack.login, "imap", who.number, token,
                              ip=who.guesser, mech="OAUTHBEARER")
            for token in bad_tokens(who, TOO_MANY))
    assert asked(stack, f"bad-{who.number}-") == IP_FAILURES
    assert not stack.login("pop3", who.number, good(who), ip=who.guesser,
                           mech="XOAUTH2").ok
    assert stack.connect(who.guesser).text.startswith("421")

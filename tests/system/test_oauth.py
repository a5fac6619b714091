"""Bearer tokens: the refused are refused with a good one, too."""

import functools

import pytest

from lib import dovecot
from lib.attempts import guess, log_in, open_doors
from lib.cast import (GUESS_ACCOUNTS, USER_FAILURES, USERS, at_once, cast,
                      crowd, networks)
from lib.clients import DOORS
from lib.stack import Stack
from lib.tokens import MECHANISMS, asked, good


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, oauth2=True) as running:
        yield running


@pytest.mark.parametrize("mech", MECHANISMS)
def test_refusal_reads_like_a_bad_token(stack, auth, mech):
    """At the doors, and in the challenge."""
    who, locked_out = cast(), cast()
    assert stack.lockstep("lock", locked_out.guesser).returncode == 0
    for door in ("imap", "pop3"):
        wrong = stack.login(door, who.number, f"bad-{who.number}-{door}",
                            ip=who.guesser, mech=mech)
        refused = stack.login(door, locked_out.number, good(locked_out),
                              ip=locked_out.guesser, mech=mech)
        assert not wrong.ok and not refused.ok
        assert refused.text == wrong.text
    challenges = []
    for person, token in ((who, f"bad-{who.number}-x"),
                          (locked_out, good(locked_out))):
        request = auth.send(person.user, token, ip=person.guesser, mech=mech)
        assert not auth.wait(request).ok
        challenges.append(auth.challenges[request])
    assert challenges[0] == challenges[1]
    assert stack.introspected().count(good(locked_out)) == \
        dovecot.either(0, 3)


def test_token_is_no_guess(stack, auth):
    """One token on many accounts, each from somewhere else, is not a password
    that people choose: a client with an old token of a shared tool does so."""
    people = crowd(GUESS_ACCOUNTS + 5)
    token = f"bad-{people[0].number}-shared"
    ids = [auth.send(who.user, token, ip=ip, mech="OAUTHBEARER")
           for who, ip in zip(people, networks(len(people)))]
    assert not any(auth.wait(i).ok for i in ids)
    assert asked(stack, token) == len(people)


def test_at_the_doors(stack):
    who = cast()
    for mech in MECHANISMS:
        answers = at_once(functools.partial(
            stack.login, door, who.number, good(who), ip=who.owner, mech=mech)
            for door in DOORS)
        assert [answer.text for answer in answers if not answer.ok] == []
    connected = stack.connect(who.guesser, keep=True)
    assert stack.lockstep("lock", who.guesser).returncode == 0
    for door in DOORS:
        answer = stack.login_on(connected, who.number, good(who),
                                mech="XOAUTH2") if door == "smtp" else \
            stack.login(door, who.number, good(who), ip=who.guesser,
                        mech="XOAUTH2")
        assert not answer.ok
    assert stack.connect(who.guesser).text.startswith("421")


@pytest.mark.parametrize("mech", MECHANISMS)
def test_locked_by_passwords(stack, auth, mech):
    """Guesses at a password lock out tokens as well, but not those of a place
    where one was good."""
    who = cast()
    assert log_in(auth, who, who.owner, good(who), mech=mech)
    guess(auth, who, networks(2 * USER_FAILURES))
    assert len(stack.verified(who.number)) == USER_FAILURES
    assert not log_in(auth, who, who.stranger, good(who), mech=mech)
    assert log_in(auth, who, who.owner, good(who), mech=mech)
    assert open_doors(stack, who, who.owner) == set(DOORS)


@pytest.mark.parametrize("mech", MECHANISMS)
def test_frozen(stack, auth, mech):
    who = cast()
    assert log_in(auth, who, who.owner, good(who), mech=mech)
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    assert not log_in(auth, who, who.owner, good(who), mech=mech)
    assert stack.lockstep("release", who.user).returncode == 0
    assert log_in(auth, who, who.owner, good(who), mech=mech)

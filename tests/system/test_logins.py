"""However many log in at once, no more sessions begin than the policy's `logins`
allows; who is refused hears why, as an answer to his own command."""

import functools
import re

import pytest

from lib import sessions
from lib.cast import USERS, at_once, cast, guesses
from lib.stack import Stack

LOGINS = 100
STORM = 300
WORDS = "Too many logins"


@pytest.fixture(scope="module")
def stack():
    """What an account may, and then what an address may, is all there is of it:
    a bucket that drains in a month."""
    policy = 'limit user { logins = "100/30d" sessions = 0 }\n' \
        'limit ip { logins = "20/30d" }\n'
    with Stack(users=USERS, policy=policy) as running:
        yield running


def be_familiar(stack, who):
    """What an address may falls on strangers alone."""
    with stack.auth() as auth:
        assert auth.login(who.user, who.password, ip=who.owner).ok


def test_three_hundred_at_once(stack):
    who, other = cast(), cast()
    be_familiar(stack, who)
    answers = sessions.begin(stack, who, STORM)
    let_in = [a for a in answers if a.ok]
    # One of the hundred made the place familiar.
    assert len(let_in) == LOGINS - 1
    assert len(sessions.alive(let_in)) == LOGINS - 1
    for answer in answers:
        if not answer.ok:  # imaplib takes only a tagged one for a NO
            assert answer.text.startswith("NO ") and WORDS in answer.text
    assert stack.login("imap", other.number, ip=other.owner).ok
    for door, words in (("imap", "NO [LIMIT] " + WORDS), ("sieve", WORDS),
                        ("pop3", "-ERR [SYS/TEMP] " + WORDS),
                        ("submission", "454 ")):  # has no text of ours
        answer = stack.login(door, who.number, ip=who.owner)
        assert not answer.ok and words in answer.text, answer
    assert not re.search("Panic|assertion failed", stack.dovecot_log())
    # Nobody is locked for it, and wrong passwords are refused as ever.
    assert not [l for l in stack.locks() if l["subject"] == who.user]
    sessions.close(answers)


def test_failures_cost_no_login(stack):
    who = cast()
    be_familiar(stack, who)
    for word in guesses(15):
        assert not stack.login("imap", who.number, word, ip=who.owner).ok
    answers = sessions.begin(stack, who, LOGINS)
    assert sum(a.ok for a in answers) == LOGINS - 1
    sessions.close(answers)


def test_address(stack):
    """Of strangers: twenty from one address, whoever they are."""
    people = [cast() for _ in range(30)]
    ip = people[0].stranger
    answers = at_once([functools.partial(stack.login, "imap", who.number,
                                         ip=ip) for who in people])
    assert sum(a.ok for a in answers) == 20
    assert all(WORDS in a.text for a in answers if not a.ok)
    # Where somebody is known he may.
    known = cast()
    be_familiar(stack, known)
    assert stack.login("imap", known.number, ip=known.owner).ok


def test_delivery_goes_on(stack):
    """Nothing but logins costs one."""
    who = cast()
    be_familiar(stack, who)
    sessions.close(sessions.begin(stack, who, LOGINS))
    assert not stack.login("imap", who.number, ip=who.owner).ok
    for command in (["user", who.user],
                    ["mailbox", "status", "-u", who.user, "messages", "INBOX"]):
        assert stack.doveadm(*command).returncode == 0
    assert stack.doveadm("auth", "lookup", who.user).returncode == 0

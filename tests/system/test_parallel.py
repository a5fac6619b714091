"""The limits are exact, however many guess at once and however slow the backend
is: charge first, verify next."""

import functools
import os
import threading

import pytest

from lib.cast import LIMIT, USERS, at_once, cast
from lib.stack import Stack

FULL = bool(os.environ.get("LOCKSTEP_FULL"))
CONNECTIONS = 500 if FULL else 50
DELAY_MS = 50
PLACE_LIMIT, USER_LIMIT = 20, 20  # the defaults


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS) as running:
        running.passdb(delay_ms=DELAY_MS)
        yield running


def storm(stack, who, addresses, wait=600):
    """Guesses over IMAP, POP3 and SMTP AUTH in turn, each another password
    from a connection of its own. The connections to Postfix stand before: it
    would refuse them once the address is locked. Nobody begins before all are
    there."""
    barrier = threading.Barrier(len(addresses), timeout=wait)

    def guesser(index, ip):
        door = ("imap", "pop3", "smtp")[index % 3]
        password = f"guess-{index}"
        if door != "smtp":
            barrier.wait()
            return stack.login(door, who.number, password, ip=ip)
        early = stack.connect(ip, keep=True)
        barrier.wait()
        return stack.login_on(early, who.number, password)

    return at_once(lambda index=index, ip=ip: guesser(index, ip)
                   for index, ip in enumerate(addresses))


def test_one_address(stack):
    who = cast()
    answers = storm(stack, who, [who.guesser] * CONNECTIONS)
    assert not any(answer.ok for answer in answers)
    verified = stack.verified(who.number)
    assert len(verified) == LIMIT
    assert {v.address for v in verified} == {who.guesser}
    assert not stack.login("imap", who.number, ip=who.guesser).ok
    assert len(stack.verified(who.number)) == LIMIT


def test_one_account_from_many_addresses(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = len(stack.verified(who.number))
    answers = storm(stack, who, [who.at(1 + i % 9, 1 + i // 9)
                                 for i in range(CONNECTIONS)])
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified(who.number)) - before == USER_LIMIT
    assert stack.login("imap", who.number, ip=who.owner).ok


def test_own_network_of_the_account(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = len(stack.verified(who.number))
    answers = storm(stack, who, [who.at(0, 1 + i % 250)
                                 for i in range(CONNECTIONS)])
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified(who.number)) - before == PLACE_LIMIT


def test_mechanisms_mixed(stack):
    """On connections of Dovecot's auth protocol, without pauses."""
    who = cast()
    mechs = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]

    def guesser(number):
        with stack.auth() as auth:
            ids = [auth.send(who.user, f"guess-{number}-{i}", ip=who.guesser,
                             service=("imap", "pop3", "smtp")[i % 3],
                             mech=mechs[i % len(mechs)])
                   for i in range(100)]
            return any(auth.wait(i).ok for i in ids)

    assert not any(at_once(functools.partial(guesser, number)
                           for number in range(CONNECTIONS // 25)))
    assert len(stack.verified(who.number)) == LIMIT


def test_slow_successes_take_no_room_for_good(stack):
    """Half an office logs in at once: nobody is refused in the end, whatever
    room they took from one another for a moment."""
    people = [cast() for _ in range(LIMIT)]
    office = people[0].owner
    with stack.auth() as auth:
        for _ in range(3):
            ids = [auth.send(p.user, f"pw-{p.number}", ip=office)
                   for p in people]
            assert all(auth.wait(i).ok for i in ids)
    assert office not in [lock.get("subject") for lock in stack.locks()]

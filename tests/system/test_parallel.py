"""The limits are exact, however many guess at once and however slow the backend
is: charge first, verify next."""

import functools
import os
import threading

import pytest

from lib.cast import (IP_ACCOUNTS, IP_FAILURES, NET_ACCOUNTS, PLACE_FAILURES,
                      USER_FAILURES, USERS, at_once, cast, crowd, guesses,
                      networks)
from lib.stack import Stack

FULL = bool(os.environ.get("LOCKSTEP_FULL"))
CONNECTIONS = 500 if FULL else 50
DELAY_MS = 50


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS) as running:
        running.passdb(delay_ms=DELAY_MS)
        yield running


def storm(stack, victims, addresses, wait=600):
    """Guesses over IMAP, POP3 and SMTP AUTH in turn, each another password
    from a connection of its own. The connections to Postfix stand before: it
    would refuse them once the address is locked. Nobody begins before all are
    there."""
    barrier = threading.Barrier(len(addresses), timeout=wait)

    def guesser(index, who, ip, word):
        door = ("imap", "pop3", "smtp")[index % 3]
        if door != "smtp":
            barrier.wait()
            return stack.login(door, who.number, word, ip=ip)
        early = stack.connect(ip, keep=True)
        barrier.wait()
        return stack.login_on(early, who.number, word)

    answers = at_once(
        functools.partial(guesser, index, *how)
        for index, how in enumerate(zip(victims, addresses,
                                        guesses(len(addresses)))))
    assert not any(answer.ok for answer in answers)


def test_one_address(stack):
    who = cast()
    storm(stack, [who] * CONNECTIONS, [who.guesser] * CONNECTIONS)
    verified = stack.verified(who.number)
    assert len(verified) == IP_FAILURES
    assert {v.address for v in verified} == {who.guesser}
    assert not stack.login("imap", who.number, ip=who.guesser).ok
    assert len(stack.verified(who.number)) == IP_FAILURES


def test_one_account_from_many_networks(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = len(stack.verified(who.number))
    storm(stack, [who] * CONNECTIONS, networks(CONNECTIONS))
    assert len(stack.verified(who.number)) - before == USER_FAILURES
    assert stack.login("imap", who.number, ip=who.owner).ok


def test_many_accounts_from_one_address(stack):
    """One guess each, and fewer accounts than failures are allowed."""
    people = crowd(CONNECTIONS)
    ip = people[0].guesser
    before = len(stack.verified())
    storm(stack, people, [ip] * CONNECTIONS)
    verified = stack.verified()[before:]
    assert len({v.user for v in verified}) == len(verified) == IP_ACCOUNTS
    assert {v.address for v in verified} == {ip}


def test_many_accounts_from_one_network(stack):
    people = crowd(CONNECTIONS)
    before = len(stack.verified())
    storm(stack, people, [people[0].at(1, 1 + i % 250)
                          for i in range(CONNECTIONS)])
    verified = stack.verified()[before:]
    assert len({v.user for v in verified}) == len(verified) == NET_ACCOUNTS


def test_own_network_of_the_account(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = len(stack.verified(who.number))
    storm(stack, [who] * CONNECTIONS, [who.owner] * CONNECTIONS)
    assert len(stack.verified(who.number)) - before == PLACE_FAILURES


def test_own_network_from_next_door(stack):
    """At addresses that the account never had: a part of the place's limit."""
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = len(stack.verified(who.number))
    storm(stack, [who] * CONNECTIONS,
          [who.at(0, 100 + i % 150) for i in range(CONNECTIONS)])
    assert len(stack.verified(who.number)) - before == PLACE_FAILURES // 4
    assert stack.login("imap", who.number, ip=who.owner).ok


def test_mechanisms_mixed(stack):
    """On connections of Dovecot's auth protocol, without pauses."""
    who = cast()
    mechs = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]

    def guesser():
        with stack.auth() as auth:
            ids = [auth.send(who.user, word, ip=who.guesser,
                             service=("imap", "pop3", "smtp")[i % 3],
                             mech=mechs[i % len(mechs)])
                   for i, word in enumerate(guesses(100))]
            return any(auth.wait(i).ok for i in ids)

    assert not any(at_once([guesser] * (CONNECTIONS // 25)))
    assert len(stack.verified(who.number)) == IP_FAILURES

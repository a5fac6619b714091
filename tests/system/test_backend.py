"""The backend fails, stalls or is slow, clients give up, and the auth process is
killed: what is not known to be wrong is not charged, and nothing stays stuck."""

import collections
import imaplib
import time

import pytest

from lib.attempts import (attempt, counter, guess, guess_calls, locked, log_in,
                          open_doors, right_calls)
from lib.cast import (IP_ACCOUNTS, IP_FAILURES, USER_FAILURES, USERS, cast,
                      crowd, networks)
from lib.clients import DOORS, HOST
from lib.stack import Stack

CLIENTS = 300
SERVICES = ("imap", "pop3", "smtp")


@pytest.fixture(autouse=True)
def well_again(stack):
    yield
    stack.passdb()


@pytest.fixture
def auth(stack):
    with stack.auth() as client:
        yield client


def outcomes(stack, people):
    names = {who.user for who in people}
    return collections.Counter(e.get("outcome") for e in stack.events("login")
                               if e["user"] in names)


# ---- down ----------------------------------------------------------------


def test_backend_down(stack, auth):
    """Right passwords and wrong ones, from one address and at one account."""
    people, victim = crowd(CLIENTS // 3), cast()
    ip = victim.guesser
    stack.passdb(fail=True)
    calls = right_calls(people, ip, service="imap") + \
        guess_calls([victim.user] * 100, [ip] * 100, service="smtp") + \
        guess_calls([victim.user] * 100, networks(100), service="pop3")
    assert not any(reply.ok for reply in attempt(auth, calls))
    stack.passdb()
    assert locked(stack) & {("ip", ip), ("user", victim.user)} == set()
    assert "wrong" not in outcomes(stack, [*people, victim])

    # All the room is there: of the address, and of the account.
    seen = counter(stack)
    guess(auth, victim, [ip] * (IP_FAILURES + 5))
    assert len(seen()) == IP_FAILURES
    guess(auth, victim, networks(USER_FAILURES))
    assert len(seen()) == USER_FAILURES
    for who in people[:5]:
        assert log_in(auth, who, who.owner)


def test_backend_down_at_the_doors(stack):
    who = cast()
    stack.passdb(fail=True)
    assert open_doors(stack, who, who.owner) == set()
    stack.passdb()
    assert open_doors(stack, who, who.owner) == set(DOORS)


# ---- stalled -------------------------------------------------------------


def hang_up_during_login(stack, who, ip):
    """At Dovecot's own door, which then cancels the request."""
    imap = imaplib.IMAP4(HOST, int(stack.env["IMAP_PORT"]))
    imap.xatom("ID", f'("x-originating-ip" "{ip}")')
    imap.send(f"x LOGIN {who.user} {who.password}\r\n".encode())
    imap.shutdown()


def test_clients_give_up_and_the_backend_fails(stack, auth, barrier):
    """So many at each account that none waits for another."""
    people = crowd(CLIENTS // USER_FAILURES)
    stack.passdb(stall=True)
    for who in people:
        with stack.auth() as client:
            for call in guess_calls([who.user] * USER_FAILURES,
                                    networks(USER_FAILURES)):
                client.send(**call)
            barrier(client)
    stack.passdb(fail=True)
    stack.poll(lambda: sum(outcomes(stack, people).values()) == CLIENTS,
               what="an end of each")
    assert set(outcomes(stack, people)) <= {"internal", "abandoned"}
    stack.passdb()
    assert {who.user for who in people} & {s for _, s in locked(stack)} == set()
    for who in people[:3]:
        seen = counter(stack)
        guess(auth, who, networks(USER_FAILURES + 5))
        assert len(seen()) == USER_FAILURES


def test_clients_give_up_and_were_right(stack, auth, barrier):
    """From one address: most of them are held when they go. What is looked up
    is right, and who was held is as if he had never come."""
    people = crowd(CLIENTS)
    office, seen = people[0].owner, counter(stack)
    stack.passdb(stall=True)
    for service in SERVICES:
        with stack.auth() as client:
            share = people[SERVICES.index(service)::len(SERVICES)]
            for call in right_calls(share, office, service=service):
                client.send(**call)
            barrier(client)
    for who in crowd(20):
        hang_up_during_login(stack, who, office)
    stack.passdb()
    def is_quiet():
        """What was looked up has ended, and nothing more is."""
        before = len(seen())
        time.sleep(1)
        return IP_ACCOUNTS <= before == len(seen())

    stack.poll(is_quiet, what="the lookups' ends")
    assert office not in {subject for _, subject in locked(stack)}
    victim = cast()
    guess(auth, victim, [office] * (IP_FAILURES + 5))
    assert len(seen(victim.user)) == IP_FAILURES


def test_gone_during_the_lookup_and_wrong(stack, auth, barrier):
    """Hanging up does not make a guess free."""
    who, seen = cast(), counter(stack)
    stack.passdb(stall=True)
    with stack.auth() as client:
        for call in guess_calls([who.user] * (IP_FAILURES - 1),
                                [who.guesser] * (IP_FAILURES - 1)):
            client.send(**call)
        barrier(client)
    stack.passdb()
    stack.poll(lambda: len(seen(who.user)) == IP_FAILURES - 1,
               what="the lookups' ends")
    stack.poll(lambda: outcomes(stack, [who])["wrong"] == IP_FAILURES - 1,
               what="their settling")
    guess(auth, who, [who.guesser] * 5)
    assert len(seen(who.user)) == IP_FAILURES
    assert ("ip", who.guesser) in locked(stack)


def test_gone_during_the_lookup_and_right(stack, auth, barrier):
    who, seen = cast(), counter(stack)
    stack.passdb(stall=True)
    with stack.auth() as client:
        client.send(who.user, who.password, ip=who.owner)
        barrier(client)
    stack.passdb()
    stack.poll(lambda: outcomes(stack, [who])["success"] == 1,
               what="its success")
    assert len(seen(who.user)) == 1
    assert stack.lockstep("lock", who.user).returncode == 0
    assert log_in(auth, who, who.owner)  # familiar
    assert not log_in(auth, who, who.stranger)


# ---- the auth process ends -----------------------------------------------


def test_stopped_with_logins_in_flight_and_held():
    """Nobody is charged for what the end of the process cut short."""
    with Stack(users=USERS) as stack:
        who = cast()
        assert stack.lockstep("lock", who.stranger).returncode == 0
        stack.passdb(stall=True)
        with stack.auth() as auth:
            for call in guess_calls([who.user] * 3 * IP_FAILURES,
                                    [who.guesser] * 3 * IP_FAILURES):
                auth.send(**call)
            assert not log_in(auth, who, who.stranger)  # all was read by now
            stack.stop("dovecot")
        stack.start("dovecot")
        stack.passdb()
        with stack.auth() as auth:
            guess(auth, who, [who.guesser] * (IP_FAILURES + 5))
        assert len(stack.verified(who.number)) == IP_FAILURES


# ---- the auth process is killed ------------------------------------------


def test_killed_with_guesses_in_flight(stack, barrier):
    """They stay charged, and nothing else does."""
    who, seen = cast(), counter(stack)
    stack.passdb(stall=True)
    in_flight = 6
    with stack.auth() as auth:
        assert IP_FAILURES > in_flight
        for call in guess_calls([who.user] * in_flight,
                                [who.guesser] * in_flight):
            auth.send(**call)
        barrier(auth)
        stack.kill_auth()
    stack.passdb()
    with stack.auth_again() as auth:
        guess(auth, who, [who.guesser] * 20)
        assert len(seen()) == IP_FAILURES - in_flight
        assert ("ip", who.guesser) in locked(stack)
        assert stack.lockstep("unlock", who.guesser).returncode == 0
        assert log_in(auth, who, who.guesser)


def test_killed_during_a_storm(stack, auth):
    """Twenty guessers at twenty accounts, and two owners of each; no limit is
    passed, and all get in again."""
    people = crowd(20)
    for who in people:
        assert log_in(auth, who, who.owner)
    seen = counter(stack)
    stack.passdb(delay_ms=50)
    clients = [stack.auth() for _ in people]
    for who, client in zip(people, clients):
        for call in guess_calls([who.user] * 50, [who.guesser] * 50) + \
                right_calls([who] * 5, who.owner):
            client.send(**call)
    stack.poll(lambda: len(seen()) >= IP_FAILURES, what="the first guesses")
    stack.kill_auth()
    for client in clients:
        client.close()
    stack.passdb()

    with stack.auth_again() as auth:
        guess(auth, people * 20, [who.guesser for who in people] * 20)
        # A fingerprint has 16 bits: of 4,800 guessers one or so has two wrong
        # passwords that look alike, of which one is free.
        alike = [event["user"] for event in stack.events("login")
                 if event.get("reason") == "repeats"]
        for who in people:
            guesses = [v for v in seen(who.user) if v.address == who.guesser]
            assert len(guesses) <= IP_FAILURES + alike.count(who.user)
            assert not log_in(auth, who, who.guesser)
            assert log_in(auth, who, who.owner)
            stack.lockstep("unlock", who.guesser)
            assert log_in(auth, who, who.stranger)
    assert stack.lockstep("verify").returncode == 0
    # The passdb failed in tests before: it has to work for some seconds.
    stack.poll(lambda: stack.login("imap", people[0].number,
                                   ip=people[0].owner).ok and
               stack.lockstep("status").returncode == 0, what="all is well")
    assert open_doors(stack, people[0], people[0].owner) == set(DOORS)

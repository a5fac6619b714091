"""Many people behind one address: all of them get in, and what one of them does,
or a phone that nobody told of the new password, is nobody else's trouble."""

import collections
import functools
import os
import time

import pytest

from lib.attempts import (attempt, counter, denied, guess, locked, log_in,
                          open_doors, right_calls)
from lib.cast import (IP_FAILURES, PLACE_FAILURES, PLACE_REPEATS, at_once,
                      cast, crowd, guesses, net_of)
from lib.clients import DOORS

FULL = bool(os.environ.get("LOCKSTEP_FULL"))
PEOPLE = 200
AT_THE_DOORS = 200 if FULL else 45  # with real clients
DELAY_MS = 50
SERVICES = ("imap", "pop3", "smtp")
GUESSES = 500 if FULL else 50
REPEAT_SECONDS = 3600 / PLACE_REPEATS  # limit place { repeats = "300/1h" }


@pytest.fixture
def slow(stack):
    stack.passdb(delay_ms=DELAY_MS)
    yield
    stack.passdb()


def everybody(auth, people, ip):
    """Whether all of them get in, on every service in turn."""
    replies = []
    for i, service in enumerate(SERVICES):
        replies += attempt(auth, right_calls(people[i::len(SERVICES)], ip,
                                             service=service))
    return all(reply.ok for reply in replies)


# ---- nine o'clock --------------------------------------------------------


def test_strangers_at_nine_o_clock(stack, auth, slow):
    """A new office, the first morning: they take room from one another only
    while they are verified, and wait for it."""
    people = crowd(PEOPLE)
    office = people[0].owner
    seen = counter(stack)
    calls = [call | {"service": SERVICES[i % 3]}
             for i, call in enumerate(right_calls(people, office))]
    assert all(reply.ok for reply in attempt(auth, calls))
    assert len(seen()) == PEOPLE  # each once
    assert not {office, net_of(office)} & {s for _, s in locked(stack)}
    # And nothing is left of it: a guesser has exactly the room there is.
    victim = cast()
    guess(auth, victim, [office] * (IP_FAILURES + 5))
    assert len(seen(victim.user)) == IP_FAILURES
    assert everybody(auth, people, office)  # familiar by now


def test_strangers_at_the_doors(stack, slow):
    people = crowd(AT_THE_DOORS)
    office = people[0].owner
    seen = counter(stack)
    answers = at_once(functools.partial(stack.login, SERVICES[i % 3],
                                        who.number, ip=office)
                      for i, who in enumerate(people))
    assert [answer.text for answer in answers if not answer.ok] == []
    assert len(seen()) == len(people)


def test_stranger_waits_behind_guesses(stack, auth, slow):
    """In flight they take all the room; one that turns out right gives its
    own back, and who waited gets it."""
    people = crowd(IP_FAILURES)
    office, newcomer = people[0].owner, cast()
    calls = right_calls(people, office)
    replies = attempt(auth, calls * 3 + right_calls([newcomer], office))
    assert all(reply.ok for reply in replies)


# ---- one of them is attacked ---------------------------------------------


def test_attacked_from_inside(stack, auth):
    """The address is locked for strangers, CONNECT included where nobody
    familiar may stand behind it; the people who work there go on."""
    people = crowd(PEOPLE)
    victim, *colleagues = people
    office = victim.owner
    assert everybody(auth, people, office)
    seen = counter(stack)

    # Up to the place's own limit, the victim goes on too.
    guess(auth, victim, [office] * (PLACE_FAILURES - 1))
    assert ("ip", office) in locked(stack)
    assert open_doors(stack, victim, office) == set(DOORS)

    # The right password emptied the place's fast meter, and no other.
    before = len(seen(victim.user))
    guess(auth, victim, [office] * (PLACE_FAILURES + 10))
    assert len(seen(victim.user)) - before == PLACE_FAILURES
    place = f"{victim.user} from {net_of(office)}"
    assert {("ip", office), ("place", place)} <= locked(stack)
    assert open_doors(stack, victim, office) == set()
    assert log_in(auth, victim, victim.stranger)

    # A stranger behind that address is refused, with the right password too.
    outsider = cast()
    guess(auth, outsider, [office] * 3)
    assert not log_in(auth, outsider, office)
    assert seen(outsider.user) == []

    assert everybody(auth, colleagues, office)
    some = colleagues if FULL else colleagues[:12]
    answers = at_once(functools.partial(stack.login, door, who.number,
                                        ip=office)
                      for who in some for door in SERVICES)
    assert [answer.text for answer in answers if not answer.ok] == []


# ---- the phone that nobody told ------------------------------------------


def phone(stack, who, ip, word, connections, times):
    """One wrong password, ten at a time on each connection."""
    def polls():
        with stack.auth() as auth:
            for _ in range(times // 10):
                call = {"user": who.user, "password": word, "ip": ip}
                replies = attempt(auth, [call] * 10)
                assert not any(reply.ok for reply in replies)
    at_once([polls] * connections)


@pytest.mark.parametrize("familiar", [True, False])
def test_stale_phone(stack, auth, familiar):
    """250 times one wrong password is one wrong password; one more that's
    different is one more."""
    who, (word,) = cast(), guesses(1)
    if familiar:
        assert log_in(auth, who, who.owner)
    seen, began = counter(stack), time.monotonic()
    phone(stack, who, who.owner, word, connections=5, times=50)
    assert len(seen()) == 250
    assert not {who.owner, net_of(who.owner), who.user,
                f"{who.user} from {net_of(who.owner)}"} \
        & {subject for _, subject in locked(stack)}
    records = collections.Counter(
        (e["verdict"], e["outcome"], e.get("reason") == "repeats")
        for e in stack.events("login")
        if e["user"] == who.user and e.get("outcome") == "wrong")
    # Of one and the same the journal has fifty, and how many more there were.
    assert records.pop(("admit", "wrong", False)) == 1
    assert list(records) == [("admit", "wrong", True)]
    assert 50 <= records["admit", "wrong", True] <= 60

    # It was charged once: of so many others, one less is verified.
    before = len(seen())
    guess(auth, who, [who.owner] * GUESSES)
    limit = PLACE_FAILURES if familiar else IP_FAILURES
    drained = int((time.monotonic() - began) / (600 / limit))
    assert len(seen()) - before == limit - max(1 - drained, 0)


def test_right_password_after_the_phone(stack, auth):
    who, (word,) = cast(), guesses(1)
    phone(stack, who, who.owner, word, connections=1, times=20)
    assert open_doors(stack, who, who.owner) == set(DOORS)


def test_repeats_have_a_limit_of_their_own(stack, auth):
    """Over it: refused, and still no lock."""
    who, (word,) = cast(), guesses(1)
    assert log_in(auth, who, who.owner)
    seen, before = counter(stack), denied(stack)
    began = time.monotonic()
    phone(stack, who, who.owner, word, connections=2, times=170)
    verified = len(seen())
    drained = int((time.monotonic() - began) / REPEAT_SECONDS) + 1
    assert 1 + PLACE_REPEATS <= verified <= 1 + PLACE_REPEATS + drained
    assert denied(stack) - before == 340 - verified
    assert {(e["kind"], e["reason"]) for e in stack.events("login")
            if e["user"] == who.user and e["verdict"] == "deny"} <= {
                ("place", "repeats")}
    assert f"{who.user} from {net_of(who.owner)}" not in [
        subject for _, subject in locked(stack)]
    assert log_in(auth, who, who.owner)


def test_repeats_wait_for_the_first(stack, slow):
    """All at once, before any of them is known to be wrong."""
    who, (word,) = cast(), guesses(1)
    seen = counter(stack)
    phone(stack, who, who.owner, word, connections=3, times=10)
    assert len(seen()) == 30
    assert ("ip", who.owner) not in locked(stack)

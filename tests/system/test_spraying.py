"""Spraying: few guesses at each of many accounts. What counts are the accounts,
and those that do not exist count as well."""

import pytest

from lib.attempts import (attempt, counter, guess, guess_calls, locked, log_in,
                          open_doors, right_calls)
from lib.cast import (IP_ACCOUNTS, IP_FAILURES, NET_ACCOUNTS, cast, crowd,
                      net_of)
from lib.clients import DOORS

ACCOUNTS = 30


def lock_of(stack, subject):
    return next(lock for lock in stack.locks()
                if lock.get("subject") == subject)


def test_from_one_address(stack, auth):
    victims = crowd(ACCOUNTS)
    ip = victims[0].guesser
    seen = counter(stack)
    guess(auth, victims, [ip] * ACCOUNTS)
    assert len(seen()) == len({v.user for v in seen()}) == IP_ACCOUNTS
    lock = lock_of(stack, ip)
    assert (lock["kind"], lock["reason"]) == ("ip", "accounts")
    assert not log_in(auth, cast(), ip)
    assert stack.connect(ip).text.startswith("421")
    # Nobody else is touched.
    assert log_in(auth, cast(), victims[0].at(1, 67))
    assert open_doors(stack, victims[0], victims[0].stranger) == set(DOORS)


def test_one_after_the_other(stack, auth):
    victims = crowd(IP_ACCOUNTS + 4)
    ip = victims[0].guesser
    seen = counter(stack)
    for victim in victims:
        guess(auth, victim, [ip])
    assert [v.user for v in seen()] == [w.user for w in victims[:IP_ACCOUNTS]]


def test_from_one_network(stack, auth):
    """Each account from another address of a /24."""
    victims = crowd(ACCOUNTS)
    spy = victims[0]
    seen = counter(stack)
    guess(auth, victims, [spy.at(1, 1 + i) for i in range(ACCOUNTS)])
    assert len(seen()) == len({v.user for v in seen()}) == NET_ACCOUNTS
    lock = lock_of(stack, net_of(spy.guesser))
    assert (lock["kind"], lock["reason"]) == ("net", "accounts")
    assert not log_in(auth, cast(), spy.at(1, 200))
    assert log_in(auth, cast(), spy.at(2, 200))


def test_from_one_ipv6_network(stack, auth):
    """Each account from another /64 of a /48."""
    victims = crowd(ACCOUNTS)
    net = f"2001:db8:{victims[0].number:x}1"
    seen = counter(stack)
    guess(auth, victims, [f"{net}:{i:x}::66" for i in range(ACCOUNTS)])
    assert len(seen()) == NET_ACCOUNTS
    lock = lock_of(stack, f"{net}::/48")
    assert (lock["kind"], lock["reason"]) == ("net", "accounts")
    assert not log_in(auth, cast(), f"{net}:ffff::1")
    assert log_in(auth, cast(), f"2001:db8:{victims[0].number:x}2:1::1")


def test_names_that_do_not_exist(stack, auth):
    ip = cast().guesser
    seen = counter(stack)
    names = [f"nobody{i}@example.test" for i in range(ACCOUNTS)]
    replies = attempt(auth, guess_calls(names, [ip] * ACCOUNTS))
    assert not any(reply.ok for reply in replies)
    assert len(seen()) == IP_ACCOUNTS


@pytest.mark.parametrize("mech", ["LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
def test_by_other_mechanisms(stack, auth, mech):
    victims = crowd(IP_ACCOUNTS + 4)
    seen = counter(stack)
    guess(auth, victims, [victims[0].guesser] * len(victims), mech=mech)
    assert len(seen()) == IP_ACCOUNTS


def test_an_account_is_one_however_often(stack, auth):
    """Few accounts, many guesses: it is the failures that end it."""
    victims = crowd(IP_ACCOUNTS - 1)
    ip = victims[0].guesser
    seen = counter(stack)
    guess(auth, (victims * 3)[:IP_FAILURES + 4], [ip] * (IP_FAILURES + 4))
    assert len(seen()) == IP_FAILURES
    assert lock_of(stack, ip)["reason"] == "failures"


def test_familiar_people_are_not_sprayed(stack, auth):
    """An office that comes back from a holiday and mistypes: who gets it right in
    the end does not count."""
    people = crowd(IP_FAILURES - 1)
    office = people[0].owner
    assert all(r.ok for r in attempt(auth, right_calls(people, office)))
    seen = counter(stack)
    for person in people:
        guess(auth, person, [office])
        assert log_in(auth, person, office)
    assert len(seen()) == 2 * len(people) > 2 * IP_ACCOUNTS
    assert office not in [subject for _, subject in locked(stack)]
    assert log_in(auth, cast(), office)


def test_strangers_who_get_it_right_count_nothing(stack, auth):
    people, victims = crowd(3 * IP_ACCOUNTS), crowd(IP_ACCOUNTS + 2)
    ip = people[0].guesser
    assert all(r.ok for r in attempt(auth, right_calls(people, ip)))
    seen = counter(stack)
    guess(auth, victims, [ip] * len(victims))
    assert len(seen()) == IP_ACCOUNTS


def test_unlock_forgets_the_accounts(stack, auth):
    victims = crowd(ACCOUNTS)
    ip = victims[0].guesser
    guess(auth, victims, [ip] * ACCOUNTS)
    assert not log_in(auth, victims[0], ip)
    assert stack.lockstep("unlock", ip).returncode == 0
    assert open_doors(stack, victims[0], ip) == set(DOORS)

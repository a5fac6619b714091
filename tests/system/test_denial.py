"""Nobody shuts the owner of an account out by guessing at it, and nobody buys
guesses with an account of his own."""

import pytest

from lib.attempts import (attempt, counter, guess, locked, log_in, open_doors,
                          right_calls)
from lib.cast import (IP_ACCOUNTS, IP_FAILURES, NET_FAILURES, PLACE_FAILURES,
                      USER_FAILURES, cast, crowd, networks)
from lib.clients import DOORS

ADDRESSES = 300


# ---- denial of service ---------------------------------------------------


def test_account_under_siege(stack, auth):
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    seen = counter(stack)
    guess(auth, owner, networks(ADDRESSES))
    assert len(seen()) == USER_FAILURES
    assert ("user", owner.user) in locked(stack)

    # Strangers are refused, unverified, whatever they know.
    far, farther = networks(2)
    assert open_doors(stack, owner, far) == set()
    assert len(seen()) == USER_FAILURES
    # Where the owner has been, nothing has changed.
    assert open_doors(stack, owner, owner.owner) == set(DOORS)
    assert open_doors(stack, owner, owner.at(0, 99)) == set(DOORS)

    assert stack.lockstep("unlock", owner.user).returncode == 0
    assert open_doors(stack, owner, farther) == set(DOORS)


def test_siege_does_not_use_up_the_owners_typos(stack, auth):
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    guess(auth, owner, networks(ADDRESSES))
    seen = counter(stack)
    guess(auth, owner, [owner.owner] * (PLACE_FAILURES - 1))
    assert len(seen()) == PLACE_FAILURES - 1
    assert log_in(auth, owner, owner.owner)


def test_owners_typos_do_not_lock_the_account(stack, auth):
    """The account's limit is for strangers: the owner, on the way for the
    first time, has all of it."""
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    guess(auth, owner, [owner.owner] * (PLACE_FAILURES + 5))
    seen = counter(stack)
    guess(auth, owner, networks(USER_FAILURES - 1))
    assert len(seen()) == USER_FAILURES - 1
    assert ("user", owner.user) not in locked(stack)
    assert log_in(auth, owner, *networks(1))


# ---- laundering ----------------------------------------------------------


@pytest.mark.parametrize("familiar", [True, False])
def test_own_account_between_guesses_at_one(stack, auth, familiar):
    """Another own account for each login, or always the same."""
    victim, own = cast(), cast()
    ip = own.owner
    if familiar:
        assert log_in(auth, own, ip)
    seen = counter(stack)
    for _ in range(IP_FAILURES + 3):
        guess(auth, victim, [ip])
        if not familiar:
            own = cast()
            log_in(auth, own, ip)  # refused once the address is locked
        else:
            assert log_in(auth, own, ip)
    assert len(seen(victim.user)) == IP_FAILURES


def test_own_account_between_guesses_at_many(stack, auth):
    own, victims = cast(), crowd(IP_ACCOUNTS + 3)
    assert log_in(auth, own, own.owner)
    seen = counter(stack)
    for victim in victims:
        guess(auth, victim, [own.owner])
        assert log_in(auth, own, own.owner)
    assert sum(len(seen(v.user)) for v in victims) == IP_ACCOUNTS


def test_own_account_beside_a_storm(stack, auth):
    """In flight at the same time: what a success gives back is its own."""
    victims, own = crowd(4), cast()
    assert log_in(auth, own, own.owner)
    seen = counter(stack)
    for number, victim in enumerate(victims):
        addresses = [own.at(0, 100 + 2 * number + i // 10) for i in range(20)]
        ids = [auth.send(**call)
               for call in right_calls([own] * 20, own.at(0, 99))]
        guess(auth, victim, addresses)
        assert all(auth.wait(i).ok for i in ids)
    assert sum(len(seen(v.user)) for v in victims) == NET_FAILURES


def test_success_of_a_stranger_launders_nothing(stack, auth):
    """Guessing at an account and being let in there leaves its meters as they
    were: of the address, the network and the account."""
    own = cast()
    ip = own.guesser
    seen = counter(stack)
    guess(auth, own, [ip] * (IP_FAILURES - 1))
    assert log_in(auth, own, ip)
    victim = cast()
    guess(auth, victim, [ip] * 5)
    assert len(seen(victim.user)) == 1
    assert ("ip", ip) in locked(stack)


def test_successes_are_free(stack, auth):
    """Forty of them are as if there had been none."""
    people, victim = crowd(40), cast()
    ip = victim.guesser
    assert all(r.ok for r in attempt(auth, right_calls(people, ip)))
    assert all(r.ok for r in attempt(auth, right_calls(people, ip)))
    seen = counter(stack)
    guess(auth, victim, [ip] * (IP_FAILURES + 4))
    assert len(seen(victim.user)) == IP_FAILURES

"""Locks fall on strangers: who logged in from a network before is let alone
there, and bounded there by a limit of his own."""

import functools

import pytest

from lib.attempts import guess, locked, log_in, open_doors
from lib.cast import (LIMIT, NET_FAILURES, PLACE_FAILURES, USER_FAILURES,
                      at_once, cast, guesses, networks)
from lib.clients import DOORS


def works_on_all_doors(stack, who, ip):
    return open_doors(stack, who, ip) == set(DOORS)


def test_place_survives_a_lock_on_its_address(stack, auth):
    """Somebody else behind the owner's address guesses at other accounts."""
    owner, other = cast(), cast()
    assert log_in(auth, owner, owner.owner)
    guess(auth, other, [owner.owner] * (LIMIT + 2))
    assert ("ip", owner.owner) in locked(stack)
    assert len(stack.verified(other.number)) == LIMIT
    assert not log_in(auth, other, owner.owner)
    assert works_on_all_doors(stack, owner, owner.owner)


def test_familiar_address_may_connect_when_locked(stack, auth):
    """Who is there is not known before AUTH: that decides."""
    owner, other = cast(), cast()
    assert log_in(auth, owner, owner.owner)
    guess(auth, other, [owner.owner] * LIMIT)
    assert ("ip", owner.owner) in locked(stack)
    assert stack.connect(owner.owner).ok
    assert not stack.login("smtp", other.number, ip=owner.owner).ok


def test_place_survives_a_lock_on_its_network(stack, auth):
    owner, other = cast(), cast()
    assert log_in(auth, owner, owner.owner)
    victims = [cast() for _ in range(4)]
    for number, victim in enumerate(victims):
        guess(auth, victim, [owner.at(0, 100 + 2 * number + i // 10)
                             for i in range(20)])
    assert sum(len(stack.verified(v.number)) for v in victims) == NET_FAILURES
    net = owner.at(0, 0) + "/24"
    assert ("net", net) in locked(stack)
    assert not log_in(auth, other, owner.at(0, 200))
    assert works_on_all_doors(stack, owner, owner.owner)
    assert log_in(auth, owner, owner.at(0, 201))  # the place is the network
    assert stack.lockstep("unlock", net).returncode == 0
    assert log_in(auth, other, owner.at(0, 200))


def test_place_survives_a_lock_on_its_account(stack, auth):
    """A botnet guesses at one account: never more than two from an address."""
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    before = len(stack.verified(owner.number))
    guess(auth, owner, [owner.at(1 + i % 9, 1 + i) for i in range(50)])
    assert len(stack.verified(owner.number)) - before == USER_FAILURES
    assert ("user", owner.user) in locked(stack)
    # From a network that nobody guessed in: the account is locked there too.
    far, = networks(1)
    assert not log_in(auth, owner, far)
    assert len(stack.verified(owner.number)) - before == USER_FAILURES
    assert works_on_all_doors(stack, owner, owner.owner)
    assert stack.lockstep("unlock", owner.user).returncode == 0
    assert log_in(auth, owner, far)


def test_from_next_door(stack, auth):
    """Guessing at the owner's account from the owner's own network, at addresses
    that he never had: a quarter of the place's limit, and it is not locked."""
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    before = len(stack.verified(owner.number))
    guess(auth, owner, [owner.at(0, 100 + i % 5) for i in range(30)])
    assert len(stack.verified(owner.number)) - before == PLACE_FAILURES // 4
    assert ("place", f"{owner.user} from {owner.at(0, 0)}/24") \
        not in locked(stack)
    assert works_on_all_doors(stack, owner, owner.owner)


@pytest.mark.parametrize("door", DOORS)
def test_places_own_limit(stack, auth, door):
    """Guessing at the owner's account from the owner's own address."""
    owner, neighbour = cast(), cast()
    for person in (owner, neighbour):
        assert log_in(auth, person, owner.owner)
    before = len(stack.verified(owner.number))
    answers = at_once(functools.partial(
        stack.login, door, owner.number, word, ip=owner.owner)
        for word in guesses(PLACE_FAILURES + 6))
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified(owner.number)) - before == PLACE_FAILURES
    place = f"{owner.user} from {owner.at(0, 0)}/24"
    assert ("place", place) in locked(stack)
    assert not stack.login(door, owner.number, ip=owner.owner).ok
    # It is locked there and for that account alone.
    assert log_in(auth, neighbour, owner.owner)
    assert log_in(auth, owner, owner.stranger)
    assert stack.lockstep("unlock", place).returncode == 0
    assert works_on_all_doors(stack, owner, owner.owner)


def test_office_behind_one_address(stack, auth):
    """Twenty people behind one NAT, and a guesser among them who is after one
    of them, and then after people who never were here."""
    people = [cast() for _ in range(20)]
    office = people[0].owner
    for person in people:
        assert log_in(auth, person, office)
    victim, *colleagues = people
    before = len(stack.verified())
    guess(auth, victim, [office] * 30)
    assert len(stack.verified()) - before == PLACE_FAILURES
    # Their failures are the address's as well: it is locked for strangers.
    assert ("ip", office) in locked(stack)
    outsider = cast()
    guess(auth, outsider, [office] * 3)
    assert len(stack.verified(outsider.number)) == 0
    for person in colleagues:
        assert log_in(auth, person, office)
        assert log_in(auth, person, office, service="smtp")
    assert works_on_all_doors(stack, colleagues[0], office)
    assert not log_in(auth, victim, office)
    assert log_in(auth, victim, victim.stranger)


def test_valid_account_launders_nobody_else(stack, auth):
    """An own account behind the address gives no more guesses at others."""
    bot, victim = cast(), cast()
    assert log_in(auth, bot, bot.owner)
    for _ in range(LIMIT + 5):
        guess(auth, victim, [bot.owner])
        assert log_in(auth, bot, bot.owner)
    assert len(stack.verified(victim.number)) == LIMIT


def test_wrong_passwords_then_the_right_one(stack, auth):
    """Somebody who mistypes nine times and then gets it right is no guesser,
    and afterwards may mistype again."""
    owner = cast()
    assert log_in(auth, owner, owner.owner)
    for _ in range(2):
        guess(auth, owner, [owner.owner] * (PLACE_FAILURES - 1))
        assert log_in(auth, owner, owner.owner)
    assert ("place", f"{owner.user} from {owner.at(0, 0)}/24") \
        not in locked(stack)


# ---- IPv6 ----------------------------------------------------------------


def test_ipv6_one_address_is_a_64(stack, auth):
    who = cast()
    assert log_in(auth, who, who.at6(0))
    before = len(stack.verified(who.number))
    guess(auth, who, [who.at6(1, f"{i + 1:x}") for i in range(LIMIT + 4)])
    assert len(stack.verified(who.number)) - before == LIMIT
    subject = f"2001:db8:{who.number:x}1:1::/64"
    assert ("ip", subject) in locked(stack)
    assert not log_in(auth, who, who.at6(1, "ffff"))
    refused = stack.connect(who.at6(1, "eeee"))
    assert refused.text.startswith("421")
    # The next /64 of the same /48 goes on.
    assert log_in(auth, who, f"2001:db8:{who.number:x}1:2::1")
    assert works_on_all_doors(stack, who, who.at6(0, "8"))
    assert stack.lockstep("unlock", who.at6(1)).returncode == 0
    assert log_in(auth, who, who.at6(1, "ffff"))


def test_ipv6_network_is_a_48(stack, auth):
    owner, other = cast(), cast()
    assert log_in(auth, owner, owner.at6(0))
    victims = [cast() for _ in range(4)]
    for number, victim in enumerate(victims):
        guess(auth, victim, [f"2001:db8:{owner.number:x}0:{number}{i // 5}::1"
                             for i in range(20)])
    assert sum(len(stack.verified(v.number)) for v in victims) == NET_FAILURES
    net = f"2001:db8:{owner.number:x}0::/48"
    assert ("net", net) in locked(stack)
    assert not log_in(auth, other, f"2001:db8:{owner.number:x}0:ffff::1")
    assert works_on_all_doors(stack, owner, owner.at6(0))
    assert log_in(auth, other, f"2001:db8:{owner.number:x}f::1")


def test_ipv4_in_ipv6_is_the_ipv4(stack, auth):
    who = cast()
    guess(auth, who, [f"::ffff:{who.guesser}", who.guesser] * 6)
    assert len(stack.verified(who.number)) == LIMIT
    assert ("ip", who.guesser) in locked(stack)

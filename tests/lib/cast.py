"""Who takes part in a test: an account, its owner, and others far from him.

One stack serves many tests, so each has an account and networks that no other
test uses: what one leaves in the maps (meters, locks, familiar places) touches
no other. For the same reason a guess has to be a password of its own (guesses()):
one wrong password on many accounts is something that Lockstep counts.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

# Of the default policy, what is held at once (the fast limits).
IP_FAILURES = 10
IP_ACCOUNTS = 8
NET_FAILURES = 60
NET_ACCOUNTS = 20
USER_FAILURES = 20
USER_PLACES = 10
PLACE_FAILURES = 20
PLACE_REPEATS = 300
GUESS_ACCOUNTS = 10

LIMIT = IP_FAILURES
USERS = 4000  # of a stack on which casts act
_numbers = itertools.count(1)
_guesses = itertools.count(1)
_networks = itertools.count()


@dataclass(frozen=True)
class Cast:
    number: int

    @property
    def user(self):
        return f"user{self.number}@example.test"

    @property
    def alias(self):
        return f"alias{self.number}@example.test"

    @property
    def master(self):
        return f"admin{self.number}"

    @property
    def password(self):
        return f"pw-{self.number}"

    def at(self, network, host=7):
        """An address in the cast's network number 0..9; each a /24."""
        high, low = divmod(self.number, 256)
        return f"10.{16 * network + high}.{low}.{host}"

    def at6(self, network, host="7"):
        """The same in IPv6; each a /48."""
        return f"2001:db8:{self.number:x}{network}:1::{host}"

    @property
    def owner(self):
        return self.at(0)

    @property
    def guesser(self):
        return self.at(1, 66)

    @property
    def stranger(self):
        return self.at(2, 9)


def cast():
    number = next(_numbers)
    assert number <= USERS
    return Cast(number)


def crowd(count):
    return [cast() for _ in range(count)]


def guesses(count):
    """Passwords that are nobody's and that no other call returns."""
    return [f"guess-{next(_guesses)}" for _ in range(count)]


def networks(count, host=7):
    """Addresses, each in a /24 of its own that nobody else is in."""
    numbers = itertools.islice(_networks, count)
    return [f"{20 + n // 65536}.{n // 256 % 256}.{n % 256}.{host}"
            for n in numbers]


def networks6(count):
    """The same in IPv6; each in a /48 of its own."""
    numbers = itertools.islice(_networks, count)
    return [f"2a00:{n // 65536:x}:{n % 65536:x}:1::7" for n in numbers]


def net_of(ip):
    """The network of an IPv4 address, as Lockstep writes it."""
    return ip.rpartition(".")[0] + ".0/24"


def at_once(calls):
    """Call all of them at the same time; returns their results, in order."""
    calls = list(calls)
    with ThreadPoolExecutor(max(len(calls), 1)) as pool:
        return list(pool.map(lambda call: call(), calls))

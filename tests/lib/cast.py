"""Who takes part in a test: an account, its owner, and others far from him.

One stack serves many tests, so each has an account and networks that no other
test uses: what one leaves in the maps (meters, locks, familiar places) touches
no other.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

LIMIT = 10  # limit ip { failures = "10/10m, ..." }, the default
USERS = 250  # of a stack on which casts act
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cast:
    number: int

    @property
    def user(self):
        return f"user{self.number}@example.test"

    def at(self, network, host=7):
        """An address in the cast's network number 0..9; each a /24."""
        return f"10.{network}.{self.number}.{host}"

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


def at_once(calls):
    """Call all of them at the same time; returns their results, in order."""
    calls = list(calls)
    with ThreadPoolExecutor(max(len(calls), 1)) as pool:
        return list(pool.map(lambda call: call(), calls))

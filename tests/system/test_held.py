"""Logins that have to wait for others cost those who do not wait nothing."""

import statistics

from lib import held
from lib.cast import crowd

HELD = 3000
LOGINS = 60
ROUNDS = 3


def test_settlement_does_not_ask_all(stack):
    """What a login costs the auth process: with thousands held about as much as with
    none. It was hundred times as much when each settlement asked all of them."""
    people = crowd(LOGINS)
    held.cost(stack, people, 0)  # familiar from now on
    costs = {number: statistics.median(held.cost(stack, people, number)
                                       for _ in range(ROUNDS))
             for number in (0, HELD)}
    print(f"{costs[HELD] / costs[0]:.1f} times the CPU with {HELD} held")
    assert costs[HELD] < 5 * costs[0], costs


def test_clients_that_hung_up_are_let_go(stack):
    """They are not verified when there is room at last."""
    with held.held(stack, 500):
        pass  # all of its clients are gone with it
    before = len(stack.verified())
    people = crowd(10)
    held.cost(stack, people, 0)
    assert len(stack.verified()) - before == len(people)

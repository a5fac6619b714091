"""Logins that have to wait for others cost those who do not wait nothing."""

import statistics
import time

from lib import held
from lib.attempts import log_in, right_calls
from lib.cast import IP_FAILURES, cast, crowd

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


def test_clients_that_hung_up_are_not_verified(stack, barrier):
    """They waited behind logins in flight, which all turn out to be right: there is
    room, and time."""
    first, gone, address = crowd(IP_FAILURES), crowd(20), cast().guesser
    with stack.auth() as auth:
        stack.passdb(stall=True)
        try:
            ids = [auth.send(**call) for call in right_calls(first, address)]
            barrier(auth)
            with stack.auth() as others:
                for call in right_calls(gone, address):
                    others.send(**call)
                barrier(others)
            barrier(auth)  # it has read that they hung up
        finally:
            stack.passdb()
        assert all(auth.wait(i).ok for i in ids)
        assert log_in(auth, cast(), address)
    assert [who for who in gone if stack.verified(who.number)] == []


def test_late_login_of_postfix_holds_up_nobody(stack):
    """From 8 s on it is not asked about, and at 12 s it is let go: those who came to
    the same address after it are asked meanwhile."""
    first, address = crowd(IP_FAILURES), cast().guesser
    postfix, people = cast(), crowd(50)
    began = time.monotonic()
    with stack.auth() as auth:
        stack.passdb(delay_ms=9000)
        for who in first:
            auth.send(who.user, who.password, ip=address)
        auth.send(postfix.user, postfix.password, ip=address, service="smtp")
        time.sleep(8.2)
        stack.passdb(delay_ms=100)
        ids = [auth.send(who.user, who.password, ip=address) for who in people]
        replies = [auth.wait(i) for i in ids]
    stack.passdb()
    assert all(reply.ok for reply in replies)
    assert time.monotonic() - began < 11.8

"""Challenges that nobody answers: after 20 s they are failures, and hold up nobody any
more. Only the first seconds of an exchange are free."""

import collections

from lib.attempts import locked, log_in
from lib.cast import USER_FAILURES, cast, networks

# CRAM-MD5 challenges before it knows the user: nothing is looked up, or charged.
MECHS = ("SCRAM-SHA-1", "SCRAM-SHA-256")


def outcomes(stack, who):
    return collections.Counter(e.get("outcome") for e in stack.events("login")
                               if e["user"] == who.user)


def test_unanswered_challenges_are_failures(stack, auth):
    victim, slow, early = cast(), cast(), cast()
    assert log_in(auth, victim, victim.owner)
    with stack.auth() as attacker, stack.auth() as gone:
        for i, ip in enumerate(networks(USER_FAILURES)):
            attacker.challenge(attacker.send(victim.user, "x", ip=ip,
                                             mech=MECHS[i % len(MECHS)]))
        late = [attacker.send(slow.user, slow.password, ip=slow.at(i),
                              mech=mech) for i, mech in enumerate(MECHS)]
        for request in late:
            attacker.challenge(request)
        gone.challenge(gone.send(early.user, "x", ip=early.guesser,
                                 mech="SCRAM-SHA-1"))
        gone.close()
        stack.poll(lambda: outcomes(stack, early)["abandoned"] == 1,
                   what="the end of one that has gone")
        assert outcomes(stack, victim) == {"success": 1}

        stack.poll(lambda: outcomes(stack, victim)["wrong"] == USER_FAILURES,
                   what="failures")
        assert ("user", victim.user) in locked(stack)
        # At once, not when room comes: nothing is in flight.
        assert not log_in(auth, victim, victim.stranger)
        assert log_in(auth, victim, victim.owner)

        # The right proof is a success, however late.
        stack.poll(lambda: outcomes(stack, slow)["wrong"] == len(late),
                   what="failures")
        for request in late:
            assert attacker.answer(request).ok
        stack.poll(lambda: outcomes(stack, slow)["success"] == len(late),
                   what="successes")
        # Of one account: three strangers' failures stand.
        assert outcomes(stack, slow) == {"wrong": len(late),
                                         "success": len(late)}
        assert log_in(auth, slow, slow.at(0))
    # The client's going tells nothing that was not told.
    assert log_in(auth, early, early.guesser)
    assert outcomes(stack, victim)["abandoned"] == 0
    assert outcomes(stack, victim)["wrong"] == USER_FAILURES

"""Many attempts at once, over Dovecot's auth protocol, and what became of them.

A call is what AuthClient.send() takes, as a dict: user, password, ip, and more.
"""

import functools
import json
import time

from .cast import at_once, guesses
from .clients import DOORS


def attempt(auth, calls):
    """All at the same time, on one connection; returns the replies, in order."""
    ids = [auth.send(**call) for call in calls]
    return [auth.wait(i) for i in ids]


def log_in(auth, who, ip, password=None, **how):
    """As its owner, unless a password is given. Returns whether that went."""
    return auth.login(who.user, password or who.password, ip=ip, **how).ok


def right_calls(people, ip, **how):
    return [{"user": who.user, "password": who.password, "ip": ip, **how}
            for who in people]


def guess_calls(names, addresses, **how):
    """A wrong password for each pair of name and address, all different."""
    return [{"user": name, "password": word, "ip": ip, **how}
            for name, ip, word in zip(names, addresses,
                                      guesses(len(addresses)))]


def guess(auth, victims, addresses, **how):
    """Guess from each address, all at the same time, at one cast or at a list
    with one for each. Returns nothing: what counts is what was verified."""
    if not isinstance(victims, list):
        victims = [victims] * len(addresses)
    names = [victim.user for victim in victims]
    assert len(names) == len(addresses)
    replies = attempt(auth, guess_calls(names, addresses, **how))
    assert not any(reply.ok for reply in replies)


def tick():
    """Let a millisecond go by, the unit of all times in the maps, so that what
    follows is later. Dovecot 2.4 tells of a failure at once."""
    time.sleep(0.005)


def counter(stack):
    """A function that returns the verifications since now, of one name or of
    all."""
    before = len(stack.verified())

    def since(name=None):
        return [v for v in stack.verified()[before:] if name in (None, v.user)]
    return since


def locked(stack):
    return {(lock["kind"], lock.get("subject")) for lock in stack.locks()}


def open_doors(stack, who, ip, doors=DOORS):
    """Those at which the owner's password is taken, all tried at once."""
    doors = list(doors)
    answers = at_once(functools.partial(stack.login, door, who.number, ip=ip)
                      for door in doors)
    return {door for door, answer in zip(doors, answers) if answer.ok}


def named(event):
    """Whom an event is about."""
    return event.get("subject") or event.get("user")


def denied(stack):
    """How many attempts were refused so far. The journal has not each of them."""
    out = stack.lockstep("status", "--json").stdout
    return json.loads(out)["guard"]["denied"]

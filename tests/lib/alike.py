"""Wrong passwords that look alike.

A place remembers the fingerprints of its last wrong passwords, of 16 bits and one
that says where, keyed by a secret that is drawn for each stack: of 5,000 guessers
with ten different ones, one has two that look alike, and the second is free. A
test that counts guesses fails then, and nothing is wrong. The journal tells: it
calls a guess a repeat, and the test sent none twice.

Where guesses wait for those in flight, each is compared with all that settle: of
300 storms of 50 connections at one place, one has a free guess (4 of 1,200, 5 of
1,600 measured). Twice in a row happens then, four times does not.
"""

import collections
import re

AGAIN = 3  # how often a test may be run once more

_sent = collections.defaultdict(list)  # name: passwords, since forget()
_found = []


def note(name, password):
    """The right ones leave no fingerprint."""
    number = re.search(r"\d+(?=@)", name)
    if number is None or password != f"pw-{number[0]}":
        _sent[name].append(password)


def forget():
    """A test begins."""
    _sent.clear()
    _found.clear()


def look(stack):
    """A test failed, and this stack of it is there yet."""
    repeated = {event["user"] for event in stack.events("login")
                if event.get("reason") == "repeats"}
    _found.extend(name for name in repeated & _sent.keys()
                  if len(set(_sent[name])) == len(_sent[name]))


def found():
    """The names at which guesses were taken for repeats that were none."""
    return list(_found)

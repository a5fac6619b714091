"""One client that costs itself nothing does not empty the journal, which is
everybody's, and is counted all the same."""

import json
import re
import time

import pytest

from lib.attempts import log_in
from lib.cast import USERS, cast
from lib.command import run
from lib.stack import Stack

FLOOD = 5000
AT_ONCE = 200
RECORDS = 60  # the first fifty, and a few that tell how many


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS) as running:
        yield running


def status(stack):
    return json.loads(stack.lockstep("status", "--json").stdout)


def flood(auth, user, ip, count=FLOOD):
    """Returns how many a second were refused."""
    begin = time.monotonic()
    for _ in range(count // AT_ONCE):
        replies = [auth.send(user, "whatever", ip=ip) for _ in range(AT_ONCE)]
        for request in replies:
            assert not auth.wait(request).ok
    return count / (time.monotonic() - begin)


@pytest.mark.parametrize("lock", ["address", "account", "frozen"])
def test_refusals(stack, lock):
    who, other = cast(), cast()
    subject = who.guesser if lock == "address" else who.user
    run(stack, "freeze" if lock == "frozen" else "lock", subject)
    before = status(stack)["journal"]
    with stack.auth() as auth:
        speed = flood(auth, who.user, who.guesser)
        assert log_in(auth, other, other.owner)
    after = status(stack)["journal"]
    written = after["written"] - before["written"]
    print(f"{lock}: {FLOOD} refusals at {speed:.0f}/s: {written} records")
    assert 50 <= written <= RECORDS
    assert after["unrecorded"] - before["unrecorded"] >= FLOOD - RECORDS
    # What else happens has its record.
    assert any(event.get("user") == other.user and
               event.get("outcome") == "success" for event in stack.events())
    # All are accounted for.
    told = [event for event in stack.events() if event["type"] == "login"
            and event["user"] == who.user]
    counted = sum(1 + event.get("unrecorded", 0) for event in told)
    assert counted > FLOOD / 5  # a thousand at a time, by now
    assert re.search(r", and \d+ more\n", run(stack, "events", who.user))
    if lock == "address":
        listed, = [entry for entry in map(json.loads, run(
            stack, "list", "--json").splitlines())
            if entry["subject"] == subject]
        assert counted + listed.get("unrecorded", 0) == FLOOD
        explained = json.loads(run(stack, "explain", "--json", subject))
        assert explained["unrecorded"] == listed["unrecorded"]
        assert "refusals since its last one in the journal" in \
            run(stack, "list")
        assert "since its last one in the journal" in \
            run(stack, "explain", subject)
        assert "counted only" in stack.lockstep("status").stdout


def test_top_and_status_see_the_flood(stack):
    who = cast()
    run(stack, "lock", who.guesser)

    def last_hour():
        hour = status(stack)["last_hour"]
        return hour["all"]["refused"], hour["uncounted"]
    before = last_hour()
    with stack.auth() as auth:
        flood(auth, who.user, who.guesser)
    seen, uncounted = (now - then for now, then in zip(last_hour(), before))
    assert FLOOD / 5 < seen <= FLOOD
    # What the count lacks, it says.
    assert seen + uncounted == FLOOD
    assert re.search(rf"^note       REFUSED lacks up to {last_hour()[1]}: of an "
                     r"address", stack.lockstep("status").stdout, re.M)

"""Guesses from inside a network where people are familiar: a neighbour's address, a
webmail host that everybody shares."""

import json

import pytest

from lib.attempts import (attempt, counter, guess, guess_calls, locked, log_in,
                          right_calls)
from lib.cast import IP_ACCOUNTS, PLACE_FAILURES, USERS, crowd, net_of
from lib.stack import Stack, poll

PART = PLACE_FAILURES // 4
PASSWORDS = ("Winter2026!", "Secret123", "Welcome1")


@pytest.fixture
def new_stack():
    """One that nobody has logged in to."""
    with Stack(users=USERS) as stack, stack.auth() as auth:
        yield stack, auth


def spray(people, ip, passwords=PASSWORDS):
    """The same passwords at all of them."""
    return [{"user": who.user, "password": word, "ip": ip}
            for word in passwords for who in people]


def familiar(auth, people, ip_of):
    calls = [right_calls([who], ip_of(i))[0] for i, who in enumerate(people)]
    assert all(reply.ok for reply in attempt(auth, calls))


def alarms(stack, address):
    return [e for e in stack.events("alarm")
            if address in (e.get("address"), e.get("network"))]


def test_from_a_neighbours_address(stack, auth):
    """50 accounts familiar in one /24, 30 guesses at each from another address of
    it, all at the same time. 981 of them used to be verified, and all 50 places were
    locked."""
    people = crowd(50)
    spy = people[0]
    familiar(auth, people, lambda i: spy.at(0, 1 + i))
    seen = counter(stack)
    guesser = spy.at(0, 200)
    guess(auth, [who for who in people for _ in range(30)],
          [guesser] * 1500)
    assert len(seen()) <= PART * IP_ACCOUNTS
    assert len({v.user for v in seen()}) <= IP_ACCOUNTS
    # Nobody at home notices, and at the guesser's address all are strangers.
    assert not [s for kind, s in locked(stack)
                if kind == "place" and net_of(guesser) in s]
    familiar(auth, people, lambda i: spy.at(0, 1 + i))
    assert ("ip", guesser) in locked(stack)


def test_one_guess_at_each(stack, auth):
    people = crowd(50)
    spy = people[0]
    familiar(auth, people, lambda i: spy.at(0, 1 + i))
    seen = counter(stack)
    guesser = spy.at(0, 200)
    guess(auth, people, [guesser] * len(people))
    assert len(seen()) == IP_ACCOUNTS
    assert ("ip", guesser) in locked(stack)
    assert not log_in(auth, people[9], guesser)
    assert log_in(auth, people[9], spy.at(0, 10))
    told, = alarms(stack, guesser)
    assert told["reason"] == "accounts"
    answer = json.loads(stack.lockstep(
        "explain", "--json", people[9].user, "from", guesser).stdout)
    assert answer["estranged"] and not answer["familiar"]
    assert answer["over"][0]["subject"] == guesser
    text = stack.lockstep("explain", people[9].user, "from", guesser).stdout
    assert "never\n           logged in from this address" in text
    assert "too many accounts failed there" in text


def test_through_a_webmail(stack, auth):
    """Three passwords, each tried on 90 accounts that are familiar at a webmail's one
    address. All 270 used to be verified, without an alarm."""
    people = crowd(90)
    webmail = people[0].owner
    familiar(auth, people, lambda i: webmail)
    seen = counter(stack)
    replies = attempt(auth, spray(people, webmail))
    assert not any(reply.ok for reply in replies)
    # One password until the count is full, the others once each.
    assert len(seen()) == IP_ACCOUNTS + len(PASSWORDS) - 1
    assert len(alarms(stack, webmail)) == 1
    assert ("ip", webmail) in locked(stack)
    # Whoever works there goes on.
    familiar(auth, people, lambda i: webmail)
    # A quarter of the place's limit, and no lock.
    victim = people[50]
    before = len(seen(victim.user))
    guess(auth, victim, [webmail] * PLACE_FAILURES)
    assert len(seen(victim.user)) - before == PART
    assert not [s for kind, s in locked(stack) if kind == "place"
                and net_of(webmail) in s]
    answer = json.loads(stack.lockstep(
        "explain", "--json", victim.user, "from", webmail).stdout)
    assert answer["familiar"] and not answer["near"]
    limit, = (meter["limit"] for meter in answer["meters"]
              if meter["kind"] == "place" and meter["meter"] == "failures")
    assert limit == PART
    text = stack.lockstep("explain", victim.user, "from", webmail).stdout
    assert "a quarter of its limit" in text


def test_through_a_webmail_at_once(stack, auth):
    """The same, all at the same time, where verifying takes a while."""
    people = crowd(90)
    webmail = people[0].owner
    familiar(auth, people, lambda i: webmail)
    stack.passdb(delay_ms=50)
    try:
        seen = counter(stack)
        replies = attempt(auth, spray(people, webmail))
    finally:
        stack.passdb()
    assert not any(reply.ok for reply in replies)
    assert len(seen()) <= 9 * IP_ACCOUNTS + len(PASSWORDS)
    familiar(auth, people, lambda i: webmail)


def test_people_who_mistype(stack, auth):
    """Sixty behind one address mistype and then get it right: no alarm."""
    people = crowd(60)
    webmail = people[0].owner
    familiar(auth, people, lambda i: webmail)
    calls = [call for who in people
             for call in guess_calls([who.user], [webmail]) +
             right_calls([who], webmail)]
    assert [reply.ok for reply in attempt(auth, calls)] == \
        [False, True] * len(people)
    assert not alarms(stack, webmail)
    assert not [lock for lock in stack.locks()
                if lock.get("subject") == webmail
                and lock["reason"] == "accounts"]


def test_status_finds_the_webmail(new_stack):
    """Nearly all log in from one address: status says so, and is well."""
    stack, auth = new_stack
    people = crowd(30)
    webmail = people[0].owner
    familiar(auth, people, lambda i: webmail)
    out = stack.lockstep("status")
    assert f"30 of 30 accounts' places log in from {webmail}" in out.stdout
    assert "proxies" in out.stdout
    shared = json.loads(stack.lockstep(
        "status", "--json").stdout)["guard"]["shared"]
    assert shared == {"address": webmail, "places": 30, "of": 30}
    # As many at addresses of their own, and it is one office among others.
    others = crowd(31)
    familiar(auth, others, lambda i: others[i].owner)
    assert "places log in from" not in stack.lockstep("status").stdout


def test_webhook_tells(new_stack):
    stack, auth = new_stack
    layout = stack.layout()
    text = layout.lockstep_conf.read_text()
    assert 'events = { "lock", "unlock" }' in text
    layout.lockstep_conf.write_text(
        text.replace('{ "lock", "unlock" }', '{ "alarm" }'))
    out = stack.lockstep("compile", "-o", stack.env["POLICY"],
                         layout.lockstep_conf)
    assert out.returncode == 0, out
    poll(lambda: "new policy in force" in layout.lockstepd_log.read_text(),
         what="lockstepd's notice of it")
    people = crowd(20)
    webmail = people[0].owner
    familiar(auth, people, lambda i: webmail)
    guess(auth, people, [webmail] * len(people))

    def told():
        return [event for hook in stack.webhooks()
                for event in [json.loads(hook["body"])]
                if event["type"] == "alarm"
                and event["data"].get("address") == webmail]
    event = poll(told, what="the alarm")[0]
    assert event["data"]["kind"] == "ip"
    assert event["data"]["reason"] == "accounts"
    assert "until" in event["data"]

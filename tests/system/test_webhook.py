"""What lockstepd tells the receiver of a webhook: signed, again until it is
taken, and each event once."""

import collections
import json
import re
import signal
import time

import pytest

from lib import signature
from lib.cast import LIMIT, USERS, cast, guesses, networks
from lib.stack import Stack, poll


@pytest.fixture
def stack():
    """One each: a receiver that is down is left alone for a while."""
    with Stack(users=USERS) as running:
        yield running


def messages(stack, who, status=None):
    """The requests that name the cast's guesser."""
    return [request for request in stack.webhooks()
            if json.loads(request["body"])["data"]["subject"] == who.guesser
            and status in (None, request["status"])]


def types(requests):
    return [json.loads(request["body"])["type"] for request in requests]


def lock(stack, who):
    assert stack.lockstep("lock", who.guesser).returncode == 0


def unlock(stack, who):
    assert stack.lockstep("unlock", who.guesser).returncode == 0


def arrives(stack, who, count, status=200):
    poll(lambda: len(messages(stack, who, status)) >= count,
         deadline=120, what=f"{count} messages taken")
    return messages(stack, who, status)


def status(stack):
    return json.loads(stack.lockstep("status", "--json").stdout)


def outbox(stack):
    return status(stack)["outbox"]


def test_lock_and_unlock(stack):
    who = cast()
    with stack.auth() as auth:
        ids = [auth.send(who.user, word, ip=who.guesser)
               for word in guesses(LIMIT)]
        assert not any(auth.wait(i).ok for i in ids)
    unlock(stack, who)
    requests = arrives(stack, who, 2)
    assert types(requests) == ["lock", "unlock"]
    for request in requests:
        assert (request["method"], request["path"]) == ("POST", "/lockstep")
        headers = request["headers"]
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("lockstep/")
        assert abs(int(headers["webhook-timestamp"]) - request["time"]) < 300
        assert signature.is_signed(stack.env["WEBHOOK_SECRET"], request)
        # And a signature by anything else would have been seen.
        for spoilt in (request | {"body": request["body"] + " "},
                       request | {"headers": headers | {
                           "webhook-id": headers["webhook-id"] + "0"}},
                       request | {"headers": headers | {
                           "webhook-timestamp": "1"}}):
            assert not signature.is_signed(stack.env["WEBHOOK_SECRET"], spoilt)
    ids = {request["headers"]["webhook-id"] for request in requests}
    assert len(ids) == 2 and all(i.startswith("msg_") for i in ids)
    told = json.loads(requests[0]["body"])["data"]
    assert {k: told[k] for k in ("kind", "address", "reason", "strikes",
                                 "origin")} == {
        "kind": "ip", "address": who.guesser, "reason": "failures",
        "strikes": 1, "origin": "rule"}
    told = json.loads(requests[1]["body"])["data"]
    assert (told["origin"], told["reason"]) == ("admin", "admin")
    assert told["by"]


def test_only_what_was_asked_for(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    assert not stack.login("imap", who.number, "wrong", ip=who.guesser).ok
    lock(stack, who)
    arrives(stack, who, 1)
    assert set(types(stack.webhooks())) == {"lock"}


def test_retried_after_an_error(stack):
    who = cast()
    stack.webhook_answers(500, count=1)
    lock(stack, who)
    first, = arrives(stack, who, 1, status=500)
    second, = arrives(stack, who, 1)
    assert second["headers"]["webhook-id"] == first["headers"]["webhook-id"]
    assert second["body"] == first["body"]
    assert signature.is_signed(stack.env["WEBHOOK_SECRET"], second)
    # The answer was good: it is not told again.
    other = cast()
    lock(stack, other)
    arrives(stack, other, 1)
    assert len(messages(stack, who)) == 2


def test_busy_receiver_is_left_alone(stack):
    """For as long as it says: what happens meanwhile waits, too."""
    who, other = cast(), cast()
    stack.webhook_answers(500, count=1, after=8)
    lock(stack, who)
    failed, = arrives(stack, who, 1, status=500)
    lock(stack, other)
    for taken in (*arrives(stack, who, 1), *arrives(stack, other, 1)):
        assert taken["time"] - failed["time"] > 7.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_receiver_and_daemon_down(stack, number):
    """Events of before, of while the receiver is down, and of while lockstepd
    is down as well: all arrive, each once."""
    people = [cast() for _ in range(4)]
    lock(stack, people[0])
    arrives(stack, people[0], 1)
    # The receiver writes it down first, and answers then.
    poll(lambda: outbox(stack)["waiting"] == 0, what="what it answered")
    stack.stop("webhook")
    lock(stack, people[1])
    log = stack.layout().lockstepd_log
    poll(lambda: "1 waiting" in log.read_text(), what="a failed delivery")
    stack.master("lockstepd").signal(number)
    poll(lambda: not stack.master("lockstepd").alive(), what="its end")
    lock(stack, people[2])
    stack.start("webhook")
    stack.start("lockstepd")
    lock(stack, people[3])
    for who in people:
        arrives(stack, who, 1)
    # Nothing comes again: not with the next, and not after a while.
    last = cast()
    lock(stack, last)
    arrives(stack, last, 1)
    time.sleep(2)
    counts = collections.Counter(request["headers"]["webhook-id"]
                                 for request in stack.webhooks())
    assert len(counts) == 5 and set(counts.values()) == {1}
    subjects = [json.loads(request["body"])["data"]["subject"]
                for request in stack.webhooks()]
    assert sorted(subjects) == sorted(w.guesser for w in [*people, last])
    assert stack.lockstep("status").returncode == 0


def test_secret_that_others_can_read_turns_it_off(stack):
    secret = stack.layout().webhook_secret
    who = cast()
    secret.chmod(0o644)
    stack.stop("lockstepd")
    stack.start("lockstepd")
    log = stack.layout().lockstepd_log
    poll(lambda: 'webhook "stack": off: ' in log.read_text(), what="its line")
    lock(stack, who)
    poll(lambda: outbox(stack)["undeliverable"] == 1, what="its message")
    assert messages(stack, who) == []
    status = stack.lockstep("status")
    assert status.returncode == 1
    assert re.search("^problem +webhook: of 1 message to send, 1 could not "
                     "be delivered so far", status.stdout, re.M)
    assert "1 message to send, 1 of them undeliverable" in status.stdout
    secret.chmod(0o600)
    stack.master("lockstepd").signal(signal.SIGHUP)
    request, = arrives(stack, who, 1)
    assert signature.is_signed(stack.env["WEBHOOK_SECRET"], request)
    assert stack.env["WEBHOOK_SECRET"] not in log.read_text()
    poll(lambda: outbox(stack) == {"waiting": 0, "undeliverable": 0,
                                   "given_up": 0}, what="an empty outbox")
    assert stack.lockstep("status").returncode == 0


def test_what_lockstepd_never_read_is_counted():
    """More happens while it is down than the journal keeps."""
    who = cast()
    with Stack(users=USERS, policy="journal-size = 1024\n") as stack:
        poll(lambda: status(stack)["wired"]["lockstepd_alive"],
             what="lockstepd")
        stack.stop("lockstepd")
        before = status(stack)["journal"]
        assert before["unread"] == 0
        with stack.auth() as auth:
            # Others from elsewhere each time: of the same there is a count.
            ids = [auth.send(f"nobody{i}@example.test", "wrong", ip=ip)
                   for i, ip in enumerate(networks(1500))]
            assert not any(auth.wait(i).ok for i in ids)
        after = status(stack)["journal"]
        gone = after["written"] - before["written"] - after["kept"]
        assert gone > 0
        stack.start("lockstepd")
        poll(lambda: status(stack)["journal"]["unread"] == gone,
             what="the count")
        text = stack.lockstep("status").stdout
        assert f" {gone} gone before lockstepd read them\n" in text
        assert re.search("^note +lockstepd missed some", text, re.M)
        # Who begins to read now has missed nothing.
        for verb in (["events"], ["list", "stale"], ["explain", who.user]):
            assert stack.lockstep(*verb).stderr == ""

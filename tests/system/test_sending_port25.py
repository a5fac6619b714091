"""Port 25 where AUTH is offered on it: who sends there with a stolen account is held
and frozen as on submission, by the lines that postfix-master.cf gives."""

import pytest

from lib import mail, postfix
from lib.cast import USERS, cast
from lib.stack import Stack

SOFT, FROZEN_AT, VICTIMS = 5, 15, 60
POLICY = f"""
limit sending {{ messages = "{SOFT}/30d" recipients = "1000/30d"
                 freeze-at = 300 }}
"""
AUTH_ON_25 = [
    "smtpd_sasl_auth_enable = yes",
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
    "reject_unauth_destination",
]


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, policy=POLICY, postfix=AUTH_ON_25) as running:
        postfix.wire(running.layout(), "smtp", "recipient|data")
        postfix.reload(running.layout())
        yield running


def steal(stack, port, recipients):
    """Messages to so many victims each, until the server has enough."""
    who, replies = cast(), []
    with mail.Client(stack, who, ip=who.stranger, port=port) as client:
        for i in range(VICTIMS):
            replies.append(client.send(*(f"victim{i}@{n}.example"
                                         for n in range(recipients))))
            if replies[-1].code == 421:
                break
    return who, replies


def check_frozen(stack, who, replies):
    """One message is held, and the next ends the session."""
    assert list(map(bool, replies)) == [True] * SOFT + \
        [False] * (FROZEN_AT - SOFT) + [True, False], replies
    assert {(r.stage, r.code) for r in replies[SOFT:FROZEN_AT]} == \
        {("end", 450)}
    assert replies[-1].code == 421
    held = replies[FROZEN_AT].queue_id
    out = stack.run("postqueue", "-c", stack.env["POSTFIX_CONF"], "-j")
    assert f'"queue_name": "hold", "queue_id": "{held}"' in out.stdout
    assert not stack.login("imap", who.number, ip=who.owner).ok
    assert [e["subject"] for e in stack.events("freeze")
            if who.user in e.values()] == [who.user]


@pytest.mark.parametrize("recipients", [1, 3])
@pytest.mark.parametrize("port", ["submission", "smtp"])
def test_thief_is_frozen(stack, port, recipients):
    check_frozen(stack, *steal(stack, port, recipients))
    assert stack.layout().filter_log.read_text() == ""


def test_client_that_retries_is_not_frozen(stack):
    who = cast()
    with mail.Client(stack, who, port="smtp") as client:
        for i in range(SOFT):
            assert client.send(f"friend{i}@x.example")
        for _ in range(20):
            for i in range(4):
                reply = client.send(f"later{i}@x.example", "her@x.example")
                assert (reply.stage, reply.code) == ("end", 450)
    assert not [e for e in stack.events("freeze") if who.user in e.values()]
    assert stack.login("imap", who.number, ip=who.owner).ok


def test_other_servers_are_not_concerned(stack):
    with mail.Client(stack, ip=cast().stranger) as client:
        for i in range(2 * FROZEN_AT):
            assert client.send("user1@example.test", "user2@example.test",
                               sender=f"sender{i}@example.org")
        reply = client.send("victim@x.example", sender="sender@example.org")
        assert (reply.stage, reply.code) == ("rcpt", 554), reply


# ---- without RCPT ------------------------------------------------------


@pytest.fixture(scope="module")
def half_wired_stack():
    with Stack(users=USERS, policy=POLICY, postfix=AUTH_ON_25) as running:
        postfix.wire(running.layout(), "smtp", "data")
        postfix.reload(running.layout())
        yield running


def test_rcpt_is_not_asked(half_wired_stack):
    """Of one recipient Postfix tells at the end; of more only their number, and that
    something is amiss is in the log."""
    stack = half_wired_stack
    check_frozen(stack, *steal(stack, "smtp", 1))
    replies = steal(stack, "smtp", 3)[1]
    assert len(replies) == VICTIMS and sum(map(bool, replies)) == SOFT
    assert "warning: not asked at RCPT" in \
        stack.layout().filter_log.read_text()

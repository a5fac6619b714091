"""First-time recipients: an account that is known for two weeks writes to whom it
always wrote to, and to few others a day."""

import itertools

import pytest

from lib import mail
from lib.cast import USERS, cast
from lib.command import run
from lib.contacts import grow_older
from lib.stack import Stack

USUAL, TOGETHER = 5000, 100
LIMIT = 200  # the default, a day
REFUSED = "Too many recipients that you never wrote to before, try again in "


@pytest.fixture(scope="module")
def stack():
    # A newsletter: what it sends is not limited, only whom to.
    policy = ('limit sending { messages = "0" recipients = "0" '
              'senders = "0" }\n')
    with Stack(users=USERS, policy=policy, postfix=[
            "local_recipient_maps = inline:{colleague=x}"]) as running:
        yield running


def send(stack, who, prefix, count, ip=None, together=TOGETHER):
    """To so many, some at a time; returns the replies."""
    names = [f"{prefix}{i}@readers.example" for i in range(count)]
    with mail.Client(stack, who, ip) as client:
        return [client.send(*names[i:i + together])
                for i in range(0, count, together)]


def alarms(stack, who):
    return [e for e in stack.events("alarm") if who.user in e.values()]


def test_newsletter_and_thief(stack):
    who, other = cast(), cast()
    # While it is not known for long, an account may write to anybody.
    assert all(send(stack, who, "reader", USUAL))
    assert all(send(stack, other, "friend", 5))
    grow_older(stack, 15)
    # The usual readers, and again.
    for _ in range(2):
        assert all(send(stack, who, "reader", USUAL))
    assert not alarms(stack, who)
    # Somebody else with its password.
    replies = send(stack, who, "victim", USUAL, ip=who.stranger)
    assert [bool(r) for r in replies] == \
        [True] * (LIMIT // TOGETHER) + [False] * (len(replies) -
                                                  LIMIT // TOGETHER)
    for reply in replies[LIMIT // TOGETHER:]:
        assert (reply.stage, reply.code) == ("end", 450)
        assert reply.text.startswith("4.7.1 ") and REFUSED in reply.text
    # Neither in a few at a time.
    assert not any(send(stack, who, "single", 20, together=1))
    # Told once; nobody is frozen, and the readers get their newsletter.
    assert len(alarms(stack, who)) == 1
    assert not stack.events("freeze")
    assert stack.login("imap", who.number, ip=who.owner).ok
    assert all(send(stack, who, "reader", USUAL))
    # What was refused did not make anybody known.
    assert not mail.send(stack, who, "victim4000@readers.example")
    assert all(send(stack, other, "friend", 5))


def test_account_that_is_new(stack):
    who = cast()
    assert all(send(stack, who, "first", 10))
    grow_older(stack, 13)
    assert all(send(stack, who, "second", 2 * LIMIT, together=50))
    grow_older(stack, 1)
    replies = send(stack, who, "third", 2 * LIMIT, together=50)
    assert [bool(r) for r in replies] == [True] * 4 + [False] * 4


def test_recipient_that_does_not_exist(stack):
    """With the restrictions that the snippet says Postfix rejects it before it
    asks us; so the others of the message become known."""
    who = cast()
    with mail.Client(stack, who) as client:
        client.mail()
        codes = [reply.code for reply in client.rcpts([
            "colleague@example.test", "nobody@example.test",
            "friend@readers.example"])]
        assert codes == [250, 550, 250]
        assert client.data()
    assert "2 contacts, known since " in run(stack, "explain", who.user)


def test_file_lost(stack):
    """Then everybody learns again; nobody is refused, and nothing waits."""
    who = cast()
    assert all(send(stack, who, "first", 10))
    grow_older(stack, 20)
    assert sum(map(bool, send(stack, who, "more", 2 * LIMIT))) == 2
    (stack.layout().policy.parent / "contacts").unlink()
    assert stack.lockstep("compile", "-o", stack.env["POLICY"],
                          stack.layout().lockstep_conf).returncode == 0
    # Each filter finds the new file by itself.
    tries = itertools.count()
    stack.poll(lambda: all(send(stack, who, f"try{next(tries)}-", 2 * LIMIT)),
               what="that it may write to anybody")

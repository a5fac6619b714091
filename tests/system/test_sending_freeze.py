"""An account that sends far too much is frozen, on every protocol at once; the
message that did it waits for an administrator, who learns why."""

import functools
import json

import pytest

from lib import mail, postfix, sessions
from lib.attempts import guess, open_doors
from lib.cast import (LIMIT, USER_FAILURES, USERS, at_once, cast, guesses,
                      net_of, networks)
from lib.clients import DOORS
from lib.stack import Stack, poll

DEADLINE = 25  # seconds for a session's end: five times what is promised
SOFT, FROZEN_AT = 4, 12  # messages: 300 percent
POLICY = f"""
limit sending {{ messages = "{SOFT}/30d"  recipients = "1000/30d"
                 freeze-at = 300 }}
"""
LOCKED = "This account is locked, ask your administrator"

# Who has other rules.
RULES = {
    "reject": 'on-freeze = "reject"',
    "observe": 'mode = "observe"',
    "recipients": 'messages = "0" recipients = "10/30d"',
    "retries": 'messages = "200/1h" recipients = "500/1h"',
    "advice": 'messages = "200/1h" recipients = "500/1h"',
}


@pytest.fixture(scope="module")
def people():
    return {name: cast() for name in RULES}


@pytest.fixture(scope="module")
def stack(people):
    policy = POLICY + "".join(
        f'override user "{people[name].user}" {{ sending {{ {rule} }} }}\n'
        for name, rule in RULES.items())
    with Stack(users=USERS, policy=policy) as running:
        ask_for_freezes(running)
        yield running


def ask_for_freezes(stack):
    """The stack's own webhook is told of locks alone."""
    layout = stack.layout()
    text = layout.lockstep_conf.read_text()
    assert '{ "lock", "unlock" }' in text
    layout.lockstep_conf.write_text(text.replace('{ "lock", "unlock" }',
                                                 '{ "freeze", "release" }'))
    out = stack.lockstep("compile", "-o", stack.env["POLICY"],
                         layout.lockstep_conf)
    assert out.returncode == 0, out
    poll(lambda: "new policy in force" in layout.lockstepd_log.read_text(),
         what="lockstepd's notice of it")


def send(stack, who, count, prefix):
    """So many messages of three recipients, on one connection while it lasts;
    returns the replies up to a frozen account."""
    replies = []
    with mail.Client(stack, who) as client:
        for i in range(count):
            replies.append(client.send(
                f"{prefix}{i}@one.example", f"{prefix}{i}@two.example",
                f"{prefix}{i}@three.example"))
            if replies[-1].code == 421:
                break
    return replies


def queue(stack, who):
    """The account's messages that Postfix still has: {queue id: queue}."""
    out = stack.run("postqueue", "-c", stack.env["POSTFIX_CONF"], "-j")
    assert out.returncode == 0, out
    found = map(json.loads, out.stdout.splitlines())
    return {m["queue_id"]: m["queue_name"] for m in found
            if m["sender"] == who.user}


def left_in_queue(stack, who, messages):
    """All others were delivered, which takes Postfix a moment."""
    poll(lambda: queue(stack, who) == messages, what=f"the queue: {messages}")


def events(stack, who, kind):
    return [e for e in stack.events(kind) if who.user in e.values()]


def told(stack, who, kind):
    """What the webhook's receiver heard of the account."""
    bodies = [json.loads(request["body"]) for request in stack.webhooks()]
    return [body["data"] for body in bodies if body["type"] == kind and
            body["data"]["subject"] == who.user]


def is_frozen(stack, who):
    return ("user", who.user) in {(lock["kind"], lock.get("subject"))
                                  for lock in stack.locks()}


def freeze(stack, who):
    """Send until the account is frozen. Returns the message's reply."""
    replies = send(stack, who, FROZEN_AT + 1, "m")
    assert list(map(bool, replies)) == \
        [True] * SOFT + [False] * (FROZEN_AT - SOFT) + [True], replies
    assert is_frozen(stack, who)
    return replies[-1]


# ---- frozen, and released ----------------------------------------------


def test_frozen_everywhere_and_told(stack):
    who, other = cast(), cast()
    idle = sessions.begin(stack, who)[0]
    beside = sessions.begin(stack, other)[0]
    waiting = mail.Client(stack, who)
    waiting.mail()
    held = freeze(stack, who)
    # Whoever is logged in gets no further.
    reply = waiting.rcpts(["a@x.example"])[0]
    assert (reply.code, reply.text.endswith(LOCKED)) == (421, True), reply
    waiting.close()
    # The very next login, wherever, from home too.
    assert open_doors(stack, who, who.owner) == set()
    answer = stack.login("imap", who.number, ip=who.owner)
    assert "This account is locked" in answer.text
    reply = mail.send(stack, who, "a@x.example")
    assert (reply.stage, reply.code) == ("login", 535)
    # A session ends.
    idle.connection.sock.settimeout(DEADLINE)
    assert idle.connection.readline().startswith(b"* BYE ")
    idle.close()
    # Kept, and listed.
    left_in_queue(stack, who, {held.queue_id: "hold"})
    message, refused = events(stack, who, "message")[-2:]
    assert (message["verdict"], refused["verdict"]) == ("hold", "deny")
    # Nobody else is touched.
    assert sessions.is_alive(beside)
    assert mail.send(stack, other, "a@x.example")
    # The administrator is told, and why.
    assert events(stack, who, "freeze")
    data = poll(lambda: told(stack, who, "freeze"), what="the webhook")[0]
    assert data["reason"] == "sending"
    evidence = json.dumps(data)
    for word in (held.queue_id, "one.example", "two.example", "three.example"):
        assert word in evidence, (word, data)
    assert held.queue_id in json.dumps(message)
    used, familiar = data["evidence"]["addresses"], data["evidence"]["networks"]
    assert {address["address"] for address in used} == {who.owner}
    assert [network["network"] for network in familiar] == [net_of(who.owner)]
    assert all(at["since"] for at in used + familiar)


def test_release_restores_all(stack):
    who = cast()
    held = freeze(stack, who)
    out = stack.lockstep("release", who.user)
    assert out.returncode == 0 and "is released" in out.stdout, out
    for words in ("a message of it was held", f"postsuper -H {held.queue_id} ",
                  f"postsuper -d {held.queue_id} "):
        assert words in out.stdout, out
    assert not is_frozen(stack, who)
    assert open_doors(stack, who, who.owner) == set(DOORS)
    # Its meters are empty, those of what is attempted too.
    assert list(map(bool, send(stack, who, SOFT + 2, "n"))) == \
        [True] * SOFT + [False] * 2
    assert not is_frozen(stack, who)
    # What was held still is, until somebody says what becomes of it; and is found
    # where the journal does not tell of it.
    left_in_queue(stack, who, {held.queue_id: "hold"})
    out = stack.run("env", f"MAIL_CONFIG={stack.env['POSTFIX_CONF']}",
                    "sh", "-c", postfix.SEARCH)
    assert f"{held.queue_id} named_attribute: sasl_username={who.user}" in \
        out.stdout.splitlines(), out
    out = stack.run("postsuper", "-c", stack.env["POSTFIX_CONF"], "-H",
                    held.queue_id)
    assert out.returncode == 0, out
    stack.run("postqueue", "-c", stack.env["POSTFIX_CONF"], "-f")
    poll(lambda: queue(stack, who) == {}, what="its delivery")
    poll(lambda: told(stack, who, "release"), what="the webhook")


def test_of_many_at_once_one_is_held(stack):
    who = cast()
    clients = [mail.Client(stack, who) for _ in range(30)]

    def one(number):
        with clients[number] as client:
            return client.send(f"at-once{number}@x.example")

    replies = at_once([functools.partial(one, n) for n in range(30)])
    held = [r.queue_id for r in replies if r and
            queue(stack, who).get(r.queue_id) == "hold"]
    assert len(held) == 1
    left_in_queue(stack, who, {held[0]: "hold"})
    assert sum(map(bool, replies)) == SOFT + 1
    assert {r.code for r in replies if not r} <= {450, 421}
    assert len(events(stack, who, "freeze")) == 1
    assert is_frozen(stack, who)


# ---- other rules -------------------------------------------------------


def test_rejected_instead(stack, people):
    who = people["reject"]
    replies = send(stack, who, FROZEN_AT + 1, "m")
    assert len(replies) == FROZEN_AT + 1
    reply = replies[-1]
    assert (reply.stage, reply.code) == ("end", 554)
    assert reply.text.startswith("5.7.1 ") and reply.text.endswith(LOCKED)
    assert is_frozen(stack, who) and not stack.login(
        "imap", who.number, ip=who.owner).ok
    assert "hold" not in queue(stack, who).values()


def test_observed(stack, people):
    """Whoever is observed is neither refused nor frozen, and what would be is
    told."""
    who = people["observe"]
    replies = send(stack, who, 2 * FROZEN_AT, "m")
    assert all(replies) and len(replies) == 2 * FROZEN_AT
    assert "hold" not in queue(stack, who).values()
    assert not is_frozen(stack, who) and not events(stack, who, "freeze")
    assert open_doors(stack, who, who.owner) == set(DOORS)
    would = events(stack, who, "message")
    assert {e["verdict"] for e in would} == {"admit"}
    assert {e["wanted"] for e in would} == {"deny", "hold"}


def test_by_recipients(stack, people):
    """Ten are allowed, and thirty may be tried."""
    who = people["recipients"]
    replies = send(stack, who, 11, "m")
    assert [bool(r) for r in replies] == [True] * 3 + [False] * 7 + [True]
    left_in_queue(stack, who, {replies[-1].queue_id: "hold"})
    assert is_frozen(stack, who)


def test_advice_does_not_freeze(stack, people):
    """A circular to 800, and as its sender is told, to 400 and 400. A spammer who
    goes on is frozen all the same."""
    who = people["advice"]

    def to(first, count):
        return [f"r{i}@x.example" for i in range(first, first + count)]

    with mail.Client(stack, who) as client:
        reply = client.send(*to(0, 800))
        assert reply.code == 450 and "send it to fewer at a time" in reply.text
        assert client.send(*to(0, 400))
        reply = client.send(*to(400, 400))
        assert reply.code == 450 and "fewer" not in reply.text, reply
        assert not is_frozen(stack, who)
        replies = [client.send(*to(800 + 400 * i, 400)) for i in range(2)]
    assert [r.code for r in replies] == [450, 250], replies
    left_in_queue(stack, who, {replies[1].queue_id: "hold"})
    assert is_frozen(stack, who)


def test_client_that_retries_is_not_frozen(stack, people):
    """200 are accepted and 300 refused, and these come again and again, their
    size a little changed by each try."""
    who = people["retries"]
    text = "0123456789" * 200

    def hand_in(prefix, count, size):
        """By ten connections, as a queue does it."""
        def part(first):
            with mail.Client(stack, who) as client:
                return [client.send(f"{prefix}{i}@x.example",
                                    text=text[:size])
                        for i in range(first, count, 10)]
        return sum(at_once([functools.partial(part, n) for n in range(10)]),
                   [])

    assert all(hand_in("good", 200, 1000))
    refused = 0
    for size in (1000, 1040, 960, 1000, 980, 1020):
        replies = hand_in("bad", 300, size)
        assert {r.code for r in replies} <= {250, 450}
        refused += sum(not r for r in replies)
    assert refused > 6 * 300 - 100  # of what drained meanwhile some went out
    assert not is_frozen(stack, who) and not events(stack, who, "freeze")
    assert stack.login("imap", who.number, ip=who.owner).ok


# ---- one verdict for all doors -----------------------------------------


def test_locked_by_imap_guesses_and_refused_mail(stack):
    """An address that guessed in IMAP finds submission closed; and so does
    everybody far from the owner, once the account is locked."""
    who = cast()
    assert mail.send(stack, who, "first@x.example")
    for word in guesses(LIMIT):
        assert not stack.login("imap", who.number, word, ip=who.guesser).ok
    answer = stack.connect(who.guesser)
    assert answer.stage == "connect" and answer.text.startswith("421")
    assert mail.send(stack, who, "a@x.example")
    with stack.auth() as auth:
        guess(auth, who, networks(USER_FAILURES), service="imap")
    reply = mail.send(stack, who, "a@x.example", ip=who.stranger)
    assert (reply.stage, reply.code) == ("login", 535)
    assert mail.send(stack, who, "b@x.example")


def test_frozen_by_hand(stack):
    who = cast()
    with mail.Client(stack, who) as client:
        assert client.send("a@x.example")
        assert stack.lockstep("freeze", who.user).returncode == 0
        reply = client.send("b@x.example")
        assert (reply.stage, reply.code) == ("rcpt", 421)
    assert mail.send(stack, who, "c@x.example").stage == "login"
    assert stack.lockstep("release", who.user).returncode == 0
    assert mail.send(stack, who, "d@x.example")


def test_logged_in_since_before_the_freeze(stack):
    """Who took the account may wait for its release, without a login."""
    who = cast()
    with mail.Client(stack, who) as waiting, mail.Client(stack, who) as other:
        for order in ("freeze", "release"):
            assert stack.lockstep(order, who.user).returncode == 0
        reply = waiting.send("a@x.example")
        assert (reply.stage, reply.code) == ("rcpt", 421)
        assert "Service not available, try again later" in reply.text
        with mail.Client(stack, who) as fresh:
            assert fresh.send("b@x.example") and fresh.send("c@x.example")
        assert other.send("d@x.example").code == 421


def test_frozen_between_rcpt_and_the_end(stack):
    who = cast()
    with mail.Client(stack, who) as client:
        client.mail()
        assert client.rcpts(["a@x.example"])[0].code == 250
        assert stack.lockstep("freeze", who.user).returncode == 0
        reply = client.data()
        assert (reply.stage, reply.code) == ("data", 421)
    assert stack.lockstep("release", who.user).returncode == 0
    with mail.Client(stack, who) as client:
        client.mail()
        client.rcpts(["a@x.example"])
        assert client.smtp.docmd("DATA")[0] == 354
        assert stack.lockstep("freeze", who.user).returncode == 0
        client.smtp.send(b"Subject: late\r\n\r\n.\r\n")
        assert client.smtp.getreply()[0] == 421
    assert queue(stack, who) == {}

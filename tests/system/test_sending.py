"""What accounts send through a real Postfix: never more than the limits, whatever
runs at once, and only what is sent."""

import functools
import re

import pytest

from lib import mail, postfix
from lib.attempts import guess, log_in, tick
from lib.cast import USER_FAILURES, USERS, at_once, cast, networks
from lib.layout import TOP
from lib.stack import Stack, poll

CLIENTS, EACH = 50, 20
NEVER = "freeze-at = 100000"  # percent; the most that there is

# What an account may, by the test that it is for.
LIMITS = {
    "messages": f'messages = "200/30d" recipients = "0" {NEVER}',
    "recipients": f'messages = "0" recipients = "498/30d" {NEVER}',
    "once": f'messages = "4/30d" recipients = "12/30d" {NEVER}',
    "ended early": f'messages = "4/30d" recipients = "12/30d" {NEVER}',
    "by Dovecot": f'messages = "4/30d" recipients = "12/30d" {NEVER}',
    "rejected": f'messages = "0" recipients = "6/30d" {NEVER}',
    "many": 'messages = "0" recipients = "3/1h"',
    "senders": 'senders = "3/30d"',
    "probation": f'messages = "8/30d" recipients = "0" {NEVER}',
    "divisor": f'messages = "8/30d" recipients = "0" {NEVER} '
               "probation-divisor = 2",
    "soon": 'messages = "60/1h"',
    "later": 'messages = "1/30d"',
}


# For the test of rejected recipients: a list with our check in its midst.
REJECT = "check_recipient_access inline:{{{}@x.example=REJECT}}"
REJECTING = "rejecting = " + ", ".join([
    REJECT.format("early"), "$lockstep_submission", REJECT.format("late"),
    "permit_sasl_authenticated", "reject"])


def x(count, prefix="to"):
    return [f"{prefix}{i}@x.example" for i in range(count)]


@pytest.fixture(scope="module")
def people():
    return {name: cast() for name in LIMITS}


@pytest.fixture(scope="module")
def stack(people):
    policy = "".join(f'override user "{people[name].user}" '
                     f"{{ sending {{ {limits} }} }}\n"
                     for name, limits in LIMITS.items())
    with Stack(users=USERS, policy=policy, postfix=[REJECTING]) as running:
        yield running


def accepted(client, count, *recipients):
    """How many of so many messages, each to others."""
    replies = [client.send(*(f"{i}-{to}" for to in recipients))
               for i in range(count)]
    assert {r.code for r in replies if not r} <= {450}, replies
    return sum(bool(r) for r in replies)


# ---- at once -----------------------------------------------------------


def send_at_once(stack, who):
    """A thousand messages of three recipients, by clients that begin together;
    returns the replies."""
    def many(number):
        with mail.Client(stack, who) as client:
            return [client.send(*x(3, f"c{number}-m{i}-"))
                    for i in range(EACH)]

    return sum(at_once([functools.partial(many, n)
                        for n in range(CLIENTS)]), [])


@pytest.mark.parametrize("name,most,words", [
    ("messages", 200, "Too many messages"),
    ("recipients", 166, "Too many recipients"),
])
def test_fifty_senders_at_once(stack, people, name, most, words):
    who = people[name]
    replies = send_at_once(stack, who)
    assert len(replies) == CLIENTS * EACH
    assert sum(map(bool, replies)) == most
    for reply in replies:
        assert reply or (reply.stage, reply.code) == ("end", 450), reply
        assert reply or re.search(rf": {words}, try again in \d+ "
                                  "(hours|days)$", reply.text), reply
    # Postfix has no more of them than it said.
    line = rf"qmgr\[\d+\]: \w+: from=<{who.user}>, .* nrcpt=3 "
    poll(lambda: len(re.findall(line, stack.postfix_log())) == most,
         what=f"{most} messages in the queue")
    assert stack.login("imap", who.number, ip=who.owner).ok
    assert not [e for e in stack.events("freeze") if who.user in e.values()]


# ---- what is counted ---------------------------------------------------


def test_message_is_counted_once(stack, people):
    """At CONNECT, RCPT, DATA and the end: each asks, only the last counts."""
    who = people["once"]
    with mail.Client(stack, who) as client:
        assert accepted(client, 6, "a@x.example", "b@x.example",
                        "c@x.example") == 4


def test_what_dovecot_hands_on_is_counted(stack, people):
    """Its submission service tells Postfix who logged in, and from where."""
    who = people["by Dovecot"]
    with mail.Client(stack, who, port="dovecot") as client:
        assert accepted(client, 3, "a@x.example") == 3
    with mail.Client(stack, who) as client:
        assert accepted(client, 3, "b@x.example") == 1
    with mail.Client(stack, who, port="dovecot") as client:
        reply = client.send("c@x.example")
    assert (reply.stage, reply.code) == ("end", 450) and \
        "Too many messages, try again in " in reply.text, reply
    *_, refusal = stack.events("message")
    assert (refusal["user"], refusal["address"]) == (who.user, who.owner)


def test_what_ends_early_is_not_counted(stack, people):
    who = people["ended early"]
    with mail.Client(stack, who) as client:
        for _ in range(10):
            client.mail()
            assert {r.code for r in client.rcpts(x(3))} == {250}
            assert client.reset().code == 250
    for i in range(10):
        with mail.Client(stack, who) as client:
            client.mail()
            client.rcpts(x(3))
            if i % 2 == 0:
                assert client.smtp.docmd("DATA")[0] == 354
                client.smtp.send(b"Subject: the half\r\n\r\nof it")
    with mail.Client(stack, who) as client:
        assert accepted(client, 6, *x(3)) == 4


def test_rejected_recipients_are_not_counted(stack, people):
    """Whether Postfix rejects them before it asks, or after."""
    layout = stack.layout()
    name = f"127.0.0.1:{layout.port('submission')}/inet/" \
        "smtpd_recipient_restrictions"
    postfix.run_postconf(layout, "-P", f"{name}=$rejecting")
    postfix.reload(layout)

    def replies():
        with mail.Client(stack, people["once"]) as client:
            client.mail()
            return [r.code for r in client.rcpts(
                ["early@x.example", "late@x.example", "a@x.example"])]

    poll(lambda: replies() == [554, 554, 250], what="the new lists")
    who = people["rejected"]
    with mail.Client(stack, who) as client:
        for i in range(5):
            reply = client.send(f"a{i}@x.example", "early@x.example",
                                f"b{i}@x.example", "late@x.example")
            assert bool(reply) == (i < 3), reply
        assert "Too many recipients" in reply.text


def test_a_sender_for_each_reader(stack):
    """As newsletters have it: that is one sender."""
    who = cast()
    with mail.Client(stack, who) as client:
        for i in range(8):
            for sender in (f"news+r{i}=readers.example@list.example",
                           f"news-{i}@list.example"):
                assert client.send(f"r{i}@readers.example", sender=sender)


def test_distinct_senders(stack, people):
    who = people["senders"]
    name, domain = who.user.split("@")
    own = [who.user, who.user.upper(), f"{name}+lists@{domain}", ""]
    with mail.Client(stack, who) as client:
        for i, sender in enumerate(own * 2):
            assert client.send(f"own{i}@x.example", sender=sender)
        for i in range(6):
            assert client.send(f"other{i}@x.example",
                               sender=f"s{i % 3}@example.org")
        reply = client.send("a@x.example", sender="s3@example.org")
        assert (reply.stage, reply.code) == ("end", 450)
        assert "Too many different sender addresses" in reply.text
        assert client.send("b@x.example", sender="s2@example.org")
        assert client.send("b@x.example")


# ---- probation ---------------------------------------------------------


@pytest.mark.parametrize("name,most", [("probation", 2), ("divisor", 4)])
def test_probation_divides(stack, people, name, most):
    who = people[name]
    thief, = networks(1)
    with stack.auth() as auth:
        assert log_in(auth, who, who.owner)
        tick()
        guess(auth, who, networks(USER_FAILURES // 4) +
              [thief] * (USER_FAILURES // 4))
        assert log_in(auth, who, thief)
    assert [e for e in stack.events("suspicious") if who.user in e.values()]
    with mail.Client(stack, who) as client:
        assert accepted(client, 10, "to@x.example") == most
    assert stack.lockstep("release", who.user).returncode == 0
    with mail.Client(stack, who) as client:
        assert accepted(client, 10, "again@x.example") == 8


# ---- what people read --------------------------------------------------


def test_more_recipients_than_ever_allowed(stack, people):
    with mail.Client(stack, people["many"]) as client:
        reply = client.send(*x(4))
        assert (reply.stage, reply.code) == ("end", 450)
        assert "Too many recipients for one message" in reply.text
        assert client.send(*x(3))
        reply = client.send("one@x.example")
        assert re.search(r"Too many recipients, try again in \d+ minutes$",
                         reply.text), reply


@pytest.mark.parametrize("name,count,text", [
    ("soon", 60, r"Too many messages, try again in 1 minute$"),
    ("later", 1, r"Too many messages, try again in 30 days$"),
])
def test_when_to_retry(stack, people, name, count, text):
    with mail.Client(stack, people[name]) as client:
        assert accepted(client, count, "to@x.example") == count
        reply = client.send("more@x.example")
        assert reply.code == 450 and reply.text.startswith("4.7.1 ")
        assert re.search(text, reply.text), reply


# ---- what an administrator pastes --------------------------------------


def test_install_says_what_the_snippet_says():
    manual = (TOP / "doc/install.md").read_text().replace("\\\n", " ")

    def of(option, text):
        """{setting} of the manual's commands with $port."""
        return {setting.replace("$port", "submission").replace("'", "")
                for line in re.findall(rf"sudo postconf {option} (\$port.*)",
                                       text)
                for setting in line.split()}

    on, off = manual.split("## Switching it off", 1)
    for undo, text in ((False, on), (True, off)):
        said = postfix.commands("submission", undo)
        for option in ("-P", "-PX"):
            assert of(option, text) == {s for o, s in said if o == option}


def test_undone(people):
    """Of what the commands did nothing is left."""
    with Stack(users=USERS, policy='limit sending { messages = "1/30d" '
               f"{NEVER} }}\n") as stack:
        layout = stack.layout()
        who = people["once"]
        with mail.Client(stack, who) as client:
            assert accepted(client, 3, "a@x.example") == 1
        postfix.wire(layout, "submission", undo=True)
        assert not re.search(r"^\s+-o .*lockstep",
                             (layout.postfix_conf / "master.cf").read_text(),
                             re.M)
        postfix.reload(layout)

        def all_pass():
            with mail.Client(stack, who) as client:
                return accepted(client, 3, "b@x.example") == 3

        poll(all_pass, what="the old lists")

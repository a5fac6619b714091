"""Port 25: hosts that relay without a login, where the policy limits them."""

import re

import pytest

from lib import mail, postfix
from lib.cast import USERS, cast
from lib.stack import Stack, poll


@pytest.fixture(scope="module")
def hosts():
    """Of a network each."""
    return {name: cast() for name in ("messages", "recipients", "observed")}


@pytest.fixture(scope="module")
def stack(hosts):
    rules = {"messages": 'messages = "3/30d"',
             "recipients": 'recipients = "6/30d"',
             "observed": 'messages = "3/30d" mode = "observe"'}
    policy = "".join(f'override net "{hosts[name].at(0, 0)}/24" '
                     f"{{ relay {{ {rule} }} }}\n"
                     for name, rule in rules.items())
    with Stack(users=USERS, policy=policy) as running:
        wire(running)
        yield running


def wire(stack):
    layout = stack.layout()
    postfix.wire(layout, "smtp", "data")
    postfix.reload(layout)


def send(stack, ip, count, recipients=1):
    with mail.Client(stack, ip=ip) as client:
        return [client.send(*(f"user{1 + n}@example.test"
                              for n in range(recipients)),
                            sender=f"sender{i}@example.org")
                for i in range(count)]


def test_messages(stack, hosts):
    host = hosts["messages"]
    replies = send(stack, host.at(0), 5)
    assert [bool(r) for r in replies] == [True] * 3 + [False] * 2
    # Told before the text is sent.
    assert {(r.stage, r.code) for r in replies[3:]} == {("data", 450)}
    assert re.search("Too many messages, try again in 10 days$",
                     replies[3].text), replies[3]
    # Each address for itself; others, as accounts, are not concerned.
    assert all(send(stack, host.at(0, 8), 3))
    assert all(send(stack, host.at(1), 10))
    assert mail.send(stack, host, "a@x.example", ip=host.at(0))
    assert not [e for e in stack.events("freeze")]


def test_recipients(stack, hosts):
    ip = hosts["recipients"].at(0)
    with mail.Client(stack, ip=ip) as client:
        # Three times what ends early.
        for _ in range(3):
            client.mail("sender@example.org")
            assert {r.code for r in client.rcpts(
                ["user1@example.test", "user2@example.test"])} == {250}
            client.reset()
    replies = send(stack, ip, 4, recipients=2)
    assert [bool(r) for r in replies] == [True] * 3 + [False]
    assert "Too many recipients" in replies[3].text
    assert replies[3].code == 450


def test_observed(stack, hosts):
    ip = hosts["observed"].at(0)
    assert all(send(stack, ip, 10))
    would = [e for e in stack.events("message") if e.get("address") == ip]
    assert {(e["verdict"], e["wanted"]) for e in would} == {("admit", "deny")}
    assert len(would) == 7


# ---- Postfix's own load generator --------------------------------------


@pytest.fixture
def stack_that_trusts_nobody():
    """smtp-source comes from the loopback, and knows neither AUTH nor XCLIENT."""
    policy = 'trusted = {}\nlimit relay { messages = "200/30d" }\n'
    with Stack(users=1, policy=policy) as running:
        wire(running)
        yield running


@pytest.mark.parametrize("session", ["for each message", "for many"])
def test_load(stack_that_trusts_nobody, session):
    """500 messages of three recipients by 20 sessions at once: 200 are accepted."""
    stack = stack_that_trusts_nobody
    args = ["-d"] if session == "for many" else []
    out = stack.run(postfix.sbin("smtp-source"), "-A", *args, "-N",
                    "-s", 20, "-m", 500, "-r", 3, "-l", 2000,
                    "-f", "sender@example.org", "-t", "user@example.test",
                    f"inet:127.0.0.1:{stack.env['SMTP_PORT']}")
    refused = out.stderr.splitlines()
    # It says no RSET after a message that is refused at its end, and so cannot
    # begin the next one of the session.
    nested = [r for r in refused if "503 5.5.1 Error: nested MAIL" in r]
    late = [r for r in refused if "end of data rejected: 450 4.7.1 " in r]
    assert len(nested) <= (len(late) if session == "for many" else 0)
    assert len(refused) == 300 and all(
        "Too many messages, try again in " in r
        for r in refused if r not in nested), out
    line = "from=<sender@example.org>, .* nrcpt=3 "
    poll(lambda: len(re.findall(line, stack.postfix_log())) == 200,
         what="200 messages in the queue")
    assert stack.layout().filter_log.read_text() == ""

"""A policy filter that is killed, hangs or is not there: mail goes on, and as long
as another one can be started, the limits hold."""

import signal
import socket

import pytest

from lib import mail, postfix
from lib.cast import USERS, cast
from lib.contacts import grow_older
from lib.postfix import filters
from lib.stack import Stack, poll

MOST = 4


POLICY = (f'limit sending {{ messages = "{MOST}/30d" '
          f'recipients = "{MOST}/30d" freeze-at = 100000 }}\n')


@pytest.fixture
def stack():
    with Stack(users=USERS, policy=POLICY) as running:
        yield running


@pytest.fixture
def stack_without_daemon():
    """Nothing here makes a map that is missing anew."""
    with Stack(users=USERS, policy=POLICY, daemon=False) as running:
        yield running


NEW = 6  # recipients
NEWCOMERS = ('limit sending { messages = "0" recipients = "0" '
             f'new-recipients = "{NEW}/30d" }}\n')


@pytest.fixture
def impatient_stack():
    with Stack(users=USERS, policy=NEWCOMERS,
               postfix=["lockstep_time_limit = 1s"]) as running:
        yield running


@pytest.fixture
def stack_of_newcomers():
    with Stack(users=USERS, policy=NEWCOMERS) as running:
        yield running


def signal_filters(stack, number):
    found = filters(stack)
    for process in found:
        process.signal(number)
    return found


def kill(stack):
    """Kill the filters, and wait until spawn(8) has told."""
    words = "lockstep-policy killed by signal 9"
    before = stack.postfix_log().count(words)
    killed = signal_filters(stack, signal.SIGKILL)
    poll(lambda: stack.postfix_log().count(words) == before + len(killed),
         what="Postfix's line for each")
    return killed


def test_killed_at_each_stage(stack):
    who = cast()
    with mail.Client(stack, who) as client:
        for i in range(MOST + 2):
            client.mail()
            assert kill(stack)
            assert client.rcpts([f"a{i}@x.example"])[0].code == 250
            assert kill(stack)
            assert client.smtp.docmd("DATA")[0] == 354
            assert kill(stack)
            client.smtp.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
            assert client.smtp.getreply()[0] == (250 if i < MOST else 450)
            client.reset()
    # The next one took over: Postfix noticed nothing.
    assert "problem talking to server" not in stack.postfix_log()
    assert stack.layout().filter_log.read_text() == ""


def test_one_that_hangs(stack):
    """After the timeout a new one answers."""
    who = cast()
    stopped = []
    with mail.Client(stack, who) as client:
        for i in range(MOST + 1):
            client.mail()
            if i in (1, MOST):
                stopped += signal_filters(stack, signal.SIGSTOP)
                assert stopped
            assert client.rcpts([f"a{i}@x.example"])[0].code == 250
            reply = client.data()
            assert reply.code == (250 if i < MOST else 450), reply
            if not reply:
                client.reset()
    for process in stopped:
        process.signal(signal.SIGKILL)


def addresses(name, count):
    return [f"{name}{i}@x.example" for i in range(count)]


def be_known(stack, who):
    """The account has written to ten friends for two weeks."""
    with mail.Client(stack, who) as client:
        assert client.send(*addresses("friend", 10))
    grow_older(stack, 15)


def test_killed_between_recipients_and_the_end(stack_of_newcomers):
    """What the killed one noted is lost: its recipients count as new ones."""
    stack = stack_of_newcomers
    who = cast()
    be_known(stack, who)

    def send_with_kill(before, after=()):
        with mail.Client(stack, who) as client:
            client.mail()
            assert all(r.code == 250 for r in client.rcpts(before))
            assert kill(stack)
            if after:
                assert all(r.code == 250 for r in client.rcpts(after))
            return client.data()

    for after in ((), addresses("friend", 8)):
        reply = send_with_kill(addresses("victim", NEW + 1), after)
        assert reply.code == 450 and "never wrote to" in reply.text, reply
    # So do old friends, as far as there is room.
    assert send_with_kill(addresses("friend", NEW))
    assert not send_with_kill(addresses("friend", 2))
    # Nobody is harmed by it whose filter lives, nor by a list of one.
    assert mail.send(stack, who, *addresses("friend", 10))
    assert send_with_kill(addresses("friend", 1))
    assert not mail.send(stack, who, "victim0@x.example")


def test_killed_behind_a_freeze(stack):
    """Who was logged in before a freeze is not by that who may send after it, also
    where the filter that saw the connection begin is gone."""
    who = cast()
    with mail.Client(stack, who) as waiting, mail.Client(stack, who) as other:
        assert waiting.send("a@x.example")
        for order in ("freeze", "release"):
            assert stack.lockstep(order, who.user).returncode == 0
        assert kill(stack)
        for client in (waiting, other):
            reply = client.send("b@x.example")
            assert (reply.stage, reply.code) == ("rcpt", 421), reply
    assert mail.send(stack, who, "c@x.example")


def test_time_limit(impatient_stack):
    """Postfix 3.10 ends a filter that a client keeps for too long, at any stage that
    the client likes; 3.7 only says so. Nothing is gained by it."""
    stack = impatient_stack
    who = cast()
    be_known(stack, who)

    def outlast(client):
        """The filters that serve it now."""
        told = [f"process id {process.pid}: command time limit exceeded"
                for process in filters(stack)]
        assert told
        poll(lambda: all(line in stack.postfix_log() for line in told),
             what="Postfix's lines")

    with mail.Client(stack, who) as client:
        client.mail()
        assert client.rcpts(["friend0@x.example"])[0].code == 250
        outlast(client)
        assert client.data()
        client.mail()
        client.rcpts(addresses("victim", NEW + 1))
        outlast(client)
        reply = client.data()
        assert reply.code == 450 and "never wrote to" in reply.text, reply
        client.reset()
        assert client.send(*addresses("friend", 10))
        for order in ("freeze", "release"):
            assert stack.lockstep(order, who.user).returncode == 0
        outlast(client)
        assert client.send("friend1@x.example").code == 421


def test_all_of_them_hang(stack):
    """Nothing is counted then; and everything is again, once they answer."""
    who = cast()
    program = stack.layout().bin / "lockstep-policy"
    away = program.rename(program.with_name("away"))
    program.write_text("#!/bin/sh\nexec sleep 3600\n")
    program.chmod(0o755)
    for process in filters(stack):
        process.signal(signal.SIGKILL)
    with mail.Client(stack, who) as client:
        assert client.send("a@x.example")
    poll(lambda: "problem talking to server private/lockstep: "
         "Connection timed out" in stack.postfix_log(), what="Postfix's line")
    away.rename(program)
    with mail.Client(stack, who) as client:
        replies = [client.send(f"b{i}@x.example") for i in range(MOST + 1)]
    assert [bool(r) for r in replies] == [True] * MOST + [False]


def test_not_there(stack):
    who = cast()
    program = stack.layout().bin / "lockstep-policy"
    away = program.rename(program.with_name("away"))
    for process in filters(stack):
        process.signal(signal.SIGKILL)
    with mail.Client(stack, who) as client:
        assert client.send("a@x.example")
    poll(lambda: f"execvp {program}: No such file or directory" in
         stack.postfix_log(), what="Postfix's line")
    away.rename(program)

    def all_is_counted():
        other = cast()
        with mail.Client(stack, other) as client:
            return [bool(client.send(f"b{i}@x.example"))
                    for i in range(MOST + 1)] == [True] * MOST + [False]

    poll(all_is_counted, what="what is counted again")


def reload(stack, service):
    """Until the policy service is there, or not."""
    def is_there():
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(str(
                stack.layout().postfix_queue / "private/lockstep")) == 0

    postfix.reload(stack.layout())
    poll(lambda: is_there() == service, what="Postfix's reload")


def test_no_service(stack):
    """As with a systemd socket that is down: nobody to connect to."""
    who = cast()
    with postfix.without_service(stack.layout()):
        reload(stack, False)
        with mail.Client(stack, who) as client:
            assert client.send("a@x.example", "b@x.example")
        poll(lambda: "problem talking to server private/lockstep: "
             "Connection refused"
             in stack.postfix_log(), what="Postfix's line")
        assert filters(stack) == []
    reload(stack, True)
    with mail.Client(stack, who) as client:
        replies = [client.send(f"b{i}@x.example") for i in range(MOST + 1)]
    assert [bool(r) for r in replies] == [True] * MOST + [False]


def test_map_goes_away_and_comes_back(stack_without_daemon):
    """In the middle of a message, too; each filter says it once."""
    stack = stack_without_daemon
    who = cast()
    layout = stack.layout()
    guard = layout.state / "guard"
    with mail.Client(stack, who) as client:
        assert client.send("first@x.example")
        client.mail()
        assert client.rcpts(["a@x.example"])[0].code == 250
        # What is open goes on: a new process has nothing to open.
        guard.rename(guard.with_name("away"))
        assert kill(stack)
        for i in range(2 * MOST):
            assert client.data()
            client.mail()
            assert client.rcpts([f"b{i}@x.example"])[0].code == 250
        said = layout.filter_log.read_text().splitlines()
        assert len(said) == 1 and f"{guard}: no such map" in said[0], said
        guard.with_name("away").rename(guard)
        client.data()

        def is_counted():
            reply = client.send("more@x.example")
            return reply.code == 450

        poll(is_counted, what="a refusal")

"""Whoever is frozen, or locked by an administrator, is out within seconds, and
nothing of his is lost."""

import re
import time

import pytest

from lib import dovecot, sessions
from lib.cast import USERS, cast, guesses
from lib.stack import Stack, poll

DEADLINE = 25  # five times what is promised
BIG = 30 * 1000 * 1000
REASON = "This account is locked"


def freeze(stack, who):
    assert stack.lockstep("freeze", who.user).returncode == 0


def rest_of(answer):
    """All that a server still sends on an IMAP connection, to its end."""
    answer.connection.sock.settimeout(DEADLINE)
    text = b""
    while True:
        got = answer.connection.file.read(65536)
        if not got:
            return text
        text += got


def is_sound(log):
    return not re.search(r"Panic|assertion failed|killed with signal", log)


def idle(answer):
    answer.connection.select()
    answer.connection.send(b"i IDLE\r\n")
    assert answer.connection.readline().startswith(b"+")


def append(answer, half=False):
    """A message, or only the half of one."""
    text = b"Subject: mine\r\n\r\n" + b"x" * 200 + b"\r\n"
    answer.connection.send(b"a APPEND INBOX {%d}\r\n" % len(text))
    assert answer.connection.readline().startswith(b"+")
    answer.connection.send(text[:len(text) // 2] if half else text + b"\r\n")
    if not half:
        assert answer.connection.readline().startswith(b"a OK")


def begin_fetch(answer):
    """A large one, of which nobody reads on."""
    answer.connection.select()
    answer.connection.send(b"f FETCH 1 BODY[]\r\n")
    assert answer.connection.readline().startswith(b"* 1 FETCH")


def test_twenty_sessions(stack):
    who = cast()
    with_mail = sessions.begin(stack, who)[0]
    big = b"Subject: big\r\n\r\n" + b"y" * 70 + b"\r\n"
    big += (b"z" * 76 + b"\r\n") * (BIG // 78)
    assert with_mail.connection.append("INBOX", None, None, big)[0] == "OK"
    answers = [with_mail] + sessions.begin(stack, who, 19)
    assert len(sessions.alive(answers)) == 20
    for number, answer in enumerate(answers):
        if number % 4 == 0:
            idle(answer)
        elif number % 4 == 1:
            begin_fetch(answer)
        elif number % 4 == 2:
            append(answer, half=True)
        else:
            append(answer)
    freeze(stack, who)
    poll(lambda: sessions.pids(stack, who) == [], DEADLINE, "their ends")
    for number, answer in enumerate(answers):
        text = rest_of(answer)
        if number % 4 == 1:  # in a literal: what is there is mail
            assert b"BYE" not in text and len(text) < BIG
        else:
            assert b"* BYE [UNAVAILABLE] " + REASON.encode() in text, text
    assert is_sound(stack.dovecot_log())
    # Whole messages are there, halves are not.
    assert stack.lockstep("release", who.user).returncode == 0
    again = stack.login("imap", who.number, ip=who.owner, keep=True)
    assert again.connection.select()[1] == [b"6"]
    sessions.close([*answers, again])


@pytest.mark.parametrize("order", ["freeze", "lock"])
@pytest.mark.parametrize("door, words", [
    ("imap", b"* BYE [UNAVAILABLE] " + REASON.encode()),
    ("pop3", b"-ERR [SYS/TEMP] " + REASON.encode()),
    ("submission", b"421 4.3.2 "),
    ("sieve", b"BYE "),
])
def test_each_protocol(stack, door, words, order):
    who, other = cast(), cast()
    answer = sessions.begin(stack, who, door=door)[0]
    witness = sessions.begin(stack, other)[0]
    assert answer.ok
    assert stack.lockstep(order, who.user).returncode == 0
    answer.connection.sock.settimeout(DEADLINE)
    assert answer.connection.file.readline().startswith(words)
    assert answer.connection.file.readline() == b""
    assert sessions.is_alive(witness)
    assert is_sound(stack.dovecot_log())
    sessions.close([answer, witness])


def test_a_rule_ends_nobody(stack):
    """Strangers locked the account: its owner, who is in, stays."""
    who = cast()
    answer = sessions.begin(stack, who)[0]
    with stack.auth() as auth:
        for at, word in enumerate(guesses(25)):
            auth.login(who.user, word, ip=who.at(1 + at % 3, 10 + at))
    assert any(lock["subject"] == who.user for lock in stack.locks())
    time.sleep(4)  # longer than it would take
    assert sessions.is_alive(answer)
    sessions.close([answer])


def test_end_is_journalled(stack):
    who = cast()
    sessions.begin(stack, who)[0].close()
    answer = sessions.begin(stack, who, door="pop3")[0]
    freeze(stack, who)
    ends = poll(lambda: len(found := [
        e for e in stack.events("session-end") if e["user"] == who.user]) == 2
        and found, DEADLINE, "two ends")
    assert [(e["service"], e["how"]) for e in ends] == [
        ("imap", "closed"), ("pop3", "revoked")]
    assert all(e["duration_ms"] >= 0 for e in ends)
    answer.close()


SHARED = f"""
service imap {{
  {dovecot.syntax().in_turn(0)}
  client_limit = 20
  process_limit = 1
}}
service pop3 {{
  {dovecot.syntax().in_turn(5)}
}}
"""


@pytest.fixture(scope="module")
def shared():
    """One process has all the sessions."""
    with Stack(users=USERS, policy="limit user { sessions = 3 }\n",
               dovecot=SHARED.splitlines()) as running:
        yield running


def test_many_in_one_process(shared):
    people = [cast() for _ in range(4)]
    answers = {who: sessions.begin(shared, who, 3)[:] for who in people}
    assert all(len(sessions.alive(a)) == 3 for a in answers.values())
    assert len({pid for who in people for pid in sessions.pids(shared, who)}) \
        == 1
    more = sessions.begin(shared, people[0])[0]
    assert not sessions.is_alive(more)
    for answer in answers[people[1]]:
        idle(answer)
    freeze(shared, people[1])
    for answer in answers[people[1]]:
        assert b"* BYE" in rest_of(answer)
    for who in (people[0], people[2], people[3]):
        assert len(sessions.alive(answers[who])) == 3
    # One after the other, in the same process.
    sessions.close(answers[people[0]])
    poll(lambda: len(sessions.alive(sessions.begin(shared, people[0], 3))) == 3,
         what="their places")
    assert is_sound(shared.dovecot_log())


def test_one_after_the_other(shared):
    """A process that serves five people in turn."""
    for _ in range(12):
        who = cast()
        answer = sessions.begin(shared, who, door="pop3")[0]
        assert answer.ok
        answer.close()
    assert is_sound(shared.dovecot_log())


HIBERNATION = """
imap_hibernate_timeout = 1s
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0666
  }
}
service imap {
  unix_listener imap-master {
    mode = 0666
  }
}
"""


@pytest.fixture(scope="module")
def sleepy():
    with Stack(users=USERS, policy="limit user { sessions = 2 }\n",
               dovecot=HIBERNATION.splitlines()) as running:
        yield running


def hibernate(stack, who, answer):
    idle(answer)
    poll(lambda: any(e["how"] == "hibernated"
                     for e in stack.events("session-end")
                     if e["user"] == who.user), what="its hibernation")


def test_hibernated_session_ends_when_it_wakes(sleepy):
    who = cast()
    answer = sessions.begin(sleepy, who)[0]
    hibernate(sleepy, who, answer)
    freeze(sleepy, who)
    answer.connection.send(b"DONE\r\n")
    assert b"* BYE [UNAVAILABLE] " + REASON.encode() in rest_of(answer)
    assert is_sound(sleepy.dovecot_log())


def test_hibernated_session_wakes(sleepy):
    """Over the limit, if others took its place meanwhile."""
    who = cast()
    answer = sessions.begin(sleepy, who)[0]
    hibernate(sleepy, who, answer)
    others = sessions.begin(sleepy, who, 2)
    assert len(sessions.alive(others)) == 2
    answer.connection.send(b"DONE\r\n")
    assert answer.connection.readline().startswith(b"i OK")
    assert sessions.is_alive(answer)
    assert is_sound(sleepy.dovecot_log())
    sessions.close([answer, *others])

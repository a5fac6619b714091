"""Clients that are in a hurry, that go in the wrong moment, or that hope to be
served although they were refused; and servers that are set up otherwise."""

import functools
import os
import pathlib
import re
import shutil
import smtplib
import socket
import struct
import subprocess
import tempfile
import threading
import time
import zlib

import pytest

from lib import dovecot, sessions
from lib.cast import USERS, at_once, cast
from lib.stack import DEADLINE, Stack, poll

DELAY_MS = 1000  # of the backend: all are admitted before a session begins
LOCKED = b"* BYE [UNAVAILABLE] This account is locked"


def is_sound(stack):
    return not re.search(r"Panic|assertion failed|killed with signal",
                         stack.dovecot_log())


@pytest.fixture(scope="module")
def narrow():
    """One session each."""
    with Stack(users=USERS, policy="limit user { sessions = 1 }\n") as running:
        yield running


class Raw:
    """A connection to Dovecot's imap, without a library."""

    def __init__(self, stack):
        self.sock = socket.create_connection(
            ("127.0.0.1", int(stack.env["IMAP_PORT"])), timeout=DEADLINE)
        self.text = b""

    def send(self, *lines):
        """In one packet."""
        self.sock.sendall(b"".join(line + b"\r\n" for line in lines))

    def until(self, words):
        """Read on until that was said, or the server hung up; returns all
        that it has said so far."""
        try:
            while words not in self.text and (data := self.sock.recv(65536)):
                self.text += data
        except ConnectionResetError:
            pass
        return self.text

    def rest(self):
        return self.until(b"\0")

    def vanish(self):
        """Without a farewell: RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()


def login_of(who):
    return f"a LOGIN {who.user} {who.password}".encode()


# ---- behind a login that is refused ---------------------------------------


def talk(raw, *lines):
    raw.send(*lines)
    return raw.until(b"c OK")


def test_pipelined_behind_a_refused_login(narrow):
    """Who is one too many creates nothing, though the commands came with the
    login."""
    who, count = cast(), 8
    narrow.passdb(delay_ms=DELAY_MS)
    clients = [Raw(narrow) for _ in range(count)]
    answers = at_once(
        functools.partial(talk, raw, login_of(who), b"b CREATE box%d" % i,
                          b"c NOOP") for i, raw in enumerate(clients))
    narrow.passdb()
    refused = [a for a in answers if b"b OK" not in a]
    assert len(refused) == count - 1, answers
    words = b"* BYE [UNAVAILABLE] Too many sessions"
    late = [a for a in refused if b"a OK" in a]
    assert late and all(words in a for a in late), refused
    out = narrow.doveadm("mailbox", "list", "-u", who.user, "box*")
    assert len(out.stdout.split()) == 1, out
    for raw in clients:
        raw.sock.close()
    assert is_sound(narrow)


# ---- who goes while he is to be ended --------------------------------------


def test_gone_in_the_same_moment(stack):
    """Half of those that a freeze ends hang up at about that time, some of them
    within a command, some with a word that nobody reads any more."""
    people = [cast() for _ in range(6)]
    clients = []
    for who in people:
        for _ in range(4):
            raw = Raw(stack)
            raw.send(login_of(who), b"b SELECT INBOX")
            assert b"b OK" in raw.until(b"b OK")
            clients.append(raw)
    orders = [threading.Thread(target=stack.lockstep,
                               args=("freeze", who.user)) for who in people]
    for order in orders:
        order.start()
    for number, raw in enumerate(clients):
        if number % 4 == 0:
            raw.vanish()
        elif number % 4 == 1:
            raw.send(b"x LOGOUT")
        elif number % 4 == 2:
            raw.send(b"x APPEND INBOX {1000}", b"Subject: half")
    for order in orders:
        order.join()
    for raw in clients[3::4]:
        assert LOCKED in raw.rest()
    for who in people:
        poll(lambda who=who: sessions.pids(stack, who) == [],
             what="the end of all")
    poll(lambda: '"user"' not in "".join(
        stack.lockstep("list", "sessions", "--json", who.user).stdout
        for who in people), what="their places")
    assert is_sound(stack)


def test_released_before_the_end(stack):
    """Nothing is left of an order that was taken back."""
    who = cast()
    for _ in range(5):
        assert stack.lockstep("freeze", who.user).returncode == 0
        assert stack.lockstep("release", who.user).returncode == 0
    answer = sessions.begin(stack, who)[0]
    assert sessions.is_alive(answer)
    sessions.close([answer])


def test_locked_by_hand(stack):
    """What lives ends; its owner, at home, may come back and stays, whatever else is
    ordered meanwhile."""
    who, other = cast(), cast()
    first = sessions.begin(stack, who)[0]
    assert sessions.is_alive(first)
    assert stack.lockstep("lock", who.user).returncode == 0
    poll(lambda: not sessions.is_alive(first), 25, "its end")
    again = sessions.begin(stack, who)[0]
    assert again.ok
    assert not stack.login("imap", who.number, ip=who.stranger).ok
    assert stack.lockstep("freeze", other.user).returncode == 0
    time.sleep(4)  # longer than it would take
    assert sessions.is_alive(again)
    again.close()


# ---- what lies between -----------------------------------------------------


@pytest.mark.parametrize("tls", [True, "implicit"])
def test_ended_under_tls(stack, tls):
    who = cast()
    answer = stack.login("imap", who.number, ip=who.owner, tls=tls, keep=True)
    assert sessions.is_alive(answer)
    assert stack.lockstep("freeze", who.user).returncode == 0
    answer.connection.sock.settimeout(DEADLINE)
    assert answer.connection.file.readline().startswith(LOCKED)
    answer.close()
    assert is_sound(stack)


def test_ended_under_compress():
    """RFC 4978: the last line is compressed too, and the stream has an end."""
    with Stack(users=1, dovecot=ZLIB) as stack:
        raw = Raw(stack)
        raw.send(b"a LOGIN user1@example.test pw-1")
        assert b"a OK" in raw.until(b"a OK")
        raw.send(b"b COMPRESS DEFLATE")
        assert b"b OK" in raw.until(b"b OK")
        raw.text = b""
        assert stack.lockstep("freeze", "user1@example.test").returncode == 0
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        assert inflate.decompress(raw.rest()).startswith(LOCKED)
        assert is_sound(stack)


# 2.4 compresses without a plugin.
ZLIB = dovecot.either("""
protocol imap {
  mail_plugins = lockstep imap_zlib
}
""", "").splitlines()


# ---- many in one process ---------------------------------------------------


SHARED = f"""
service imap {{
  {dovecot.syntax().in_turn(0)}
  client_limit = 100
  process_limit = 1
}}
""".splitlines()


def come_and_go(stack, who, seen):
    for turn in range(12):
        raw = Raw(stack)
        raw.send(login_of(who), b"b SELECT INBOX", b"c NOOP")
        seen.append(raw.until(b"c OK"))
        if turn % 3 == 0:
            raw.vanish()
        elif turn % 3 == 1:
            raw.send(b"d LOGOUT")
            raw.rest()
        raw.sock.close()


def test_storm_in_one_process():
    """Twenty people come and go in one process while half of them are frozen and
    released, the policy is compiled anew, and the maps are replaced."""
    people = [cast() for _ in range(20)]
    with Stack(users=people[-1].number, dovecot=SHARED) as stack:
        conf = stack.env["LOCKSTEP_CONF"]
        seen, stop = [], threading.Event()

        def give_orders():
            turn = 0
            while not stop.is_set():
                who = people[turn % 10]
                stack.lockstep("freeze", who.user)
                stack.lockstep("release", who.user)
                if turn % 5 == 0:
                    assert stack.lockstep("compile", conf).returncode == 0
                turn += 1

        orders = threading.Thread(target=give_orders)
        orders.start()
        try:
            at_once(functools.partial(come_and_go, stack, who, seen)
                    for who in people)
            stack.lockstep("init")
            at_once(functools.partial(come_and_go, stack, who, seen)
                    for who in people)
        finally:
            stop.set()
            orders.join()
        assert sum(b"c OK" in text for text in seen) > len(seen) // 2
        assert is_sound(stack)
        assert len({pid for who in people for pid in sessions.pids(
            stack, who)}) <= 1


# ---- what has no sessions -----------------------------------------------------


def test_delivery_at_every_limit(narrow):
    """Frozen, locked, no session left: mail still comes in, by LMTP and by
    dovecot-lda, and doveadm works."""
    who = cast()
    first = sessions.begin(narrow, who)
    assert sessions.is_alive(first[0])
    for order in ("lock", "freeze"):
        assert narrow.lockstep(order, who.user).returncode == 0
    message = b"Subject: x\r\n\r\nx\r\n"
    with smtplib.LMTP(narrow.env["LMTP_SOCKET"], local_hostname="x") as lmtp:
        for _ in range(3):
            lmtp.sendmail("a@elsewhere.example", [who.user], message)
    lda = pathlib.Path(dovecot.default("libexec_dir")) / "dovecot-lda"
    for _ in range(2):
        subprocess.run([lda, "-c", narrow.env["DOVECOT_CONF"], "-d", who.user],
                       input=message, env=narrow.env, check=True)
    out = narrow.doveadm("mailbox", "status", "-u", who.user, "messages",
                         "INBOX")
    assert "messages=5" in out.stdout, out
    began = [e for e in narrow.events("session") if e.get("user") == who.user]
    assert len(began) == 1, began
    sessions.close(first)
    assert is_sound(narrow)


# ---- servers that are set up otherwise --------------------------------------


@pytest.fixture(scope="module")
def top():
    """A directory whose name is known before the stack is there."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_in_a_chroot(top):
    """Neither /proc nor the maps can be seen from there."""
    who = cast()
    settings = [f"mail_chroot = {top}/s/mail/."]
    with Stack(top / "s", users=who.number, dovecot=settings,
               policy="limit user { sessions = 2 }\n") as stack:
        first = sessions.begin(stack, who, 2)
        assert len(sessions.alive(first)) == 2
        pids = sessions.pids(stack, who)
        assert [os.readlink(f"/proc/{pid}/root") for pid in pids] == \
            [f"{top}/s/mail"] * 2
        assert not sessions.alive(sessions.begin(stack, who))
        sessions.kill(pids)
        poll(lambda: not sessions.alive(first), what="their end")
        # That all seats were taken is remembered for a moment.
        second = poll(lambda: sessions.alive(sessions.begin(stack, who)),
                      what="a seat of those killed")
        second += sessions.begin(stack, who)
        assert len(sessions.alive(second)) == 2
        assert stack.lockstep("freeze", who.user).returncode == 0
        poll(lambda: not sessions.alive(second), what="their end")
        assert not re.search(r"Panic|assertion failed|lockstep: .*[Ee]rror",
                             stack.dovecot_log())
        sessions.close(first + second)


def test_anonymous():
    """Whoever comes without a name is one account's, like any other."""
    with Stack(users=1, dovecot=["auth_mechanisms = plain anonymous"],
               policy="limit user { sessions = 2 }\n") as stack:
        clients = [Raw(stack) for _ in range(3)]
        for raw in clients:
            raw.send(b"a AUTHENTICATE ANONYMOUS dHJhY2U=", b"c NOOP")
        answers = [raw.until(b"c OK") for raw in clients]
        assert sum(b"c OK" in text for text in answers) == 2, answers
        assert is_sound(stack)
        for raw in clients:
            raw.sock.close()


VALGRIND = """\
#!/bin/sh
exec valgrind --leak-check=full --log-file={log}.%p {imap} "$@"
"""


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind")
def test_under_valgrind(top):
    """One process: sessions that begin, are refused, hang up, and are ended."""
    program = top / "imap"
    program.write_text(VALGRIND.format(
        log=top / "valgrind",
        imap=pathlib.Path(dovecot.default("libexec_dir")) / "imap"))
    program.chmod(0o755)
    top.chmod(0o777)
    lines = [*SHARED[:-1], f"  executable = {program}", "  vsz_limit = 16G",
             "}"]
    people = [cast() for _ in range(3)]
    with Stack(users=people[-1].number, dovecot=lines,
               policy="limit user { sessions = 2 }\n") as stack:
        stack.passdb(delay_ms=DELAY_MS)
        answers = at_once([functools.partial(
            stack.login, "imap", who.number, ip=who.owner, keep=True)
            for who in people for _ in range(4)])
        stack.passdb()
        live = sessions.alive(answers)
        assert len(live) == 6
        assert stack.lockstep("freeze", people[0].user).returncode == 0
        assert stack.lockstep("lock", people[1].user).returncode == 0
        poll(lambda: len(sessions.alive(live)) == 2, what="the end of four")
        sessions.close(answers)
        assert is_sound(stack)
    reports = [path.read_text() for path in top.glob("valgrind.*")]
    assert any("ERROR SUMMARY" in text for text in reports)
    for text in reports:
        assert "ERROR SUMMARY: 0 errors" in text, text

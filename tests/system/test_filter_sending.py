"""lockstep-policy alone, at the two ends of its pipe: the stages of a message, and
what clients can do to it there."""

import functools
import itertools
import os
import re
import time

import pytest

from lib import postfix
from lib.cast import at_once
from lib.command import assert_fits
from lib.policyfilter import DUNNO, FREE, Filter, World, request

USER = "joe@example.test"
FROZEN = b"action=421 4.7.1 This account is locked, ask your administrator\n\n"
_numbers = itertools.count()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def limit(world, most):
    world.compile(f'limit sending {{ messages = "{most}/30d" '
                  'recipients = "0" freeze-at = 100000 }')


def instance():
    return f"1a2b.{next(_numbers):08x}.c0ffe.0"


def stage(state, of=None, **more):
    """What Postfix asks at a stage of a message; `of` is its instance."""
    words = {"sasl_username": USER, "sender": USER, "queue_id": "",
             "instance": of or instance(), "recipient": "",
             "recipient_count": "0", "size": "0"}
    if state in ("DATA", "END-OF-MESSAGE"):
        words["recipient_count"] = "2"
    if state == "END-OF-MESSAGE":
        words |= {"queue_id": "3F2A01", "size": "1234"}
    return request(state, FREE, **words | more)


def end(of=None, **more):
    return stage("END-OF-MESSAGE", of, **more)


def message(of=None, **more):
    """Four requests."""
    of = of or instance()
    return b"".join([
        stage("RCPT", of, recipient=f"a-{of}@x.example", **more),
        stage("RCPT", of, recipient=f"b-{of}@x.example", **more),
        stage("DATA", of, **more), end(of, **more)])


def split(answers):
    return [answer + b"\n\n" for answer in answers.split(b"\n\n")[:-1]]


def is_limited(answer):
    return re.fullmatch(rb"action=450 4\.7\.1 Too many messages, try again in "
                        rb"\d+ (minutes?|hours?|days?)\n\n", answer) is not None


# ---- what is answered ------------------------------------------------------


def test_answers(world):
    limit(world, 2)
    with Filter(world) as f:
        for _ in range(2):
            assert f.ask(message(), 4) == DUNNO * 4
        answers = split(f.ask(message(), 4))
        assert answers[:3] == [DUNNO] * 3 and is_limited(answers[3]), answers
        # Another account, and who has none.
        assert f.ask(end(sasl_username="ann@example.test")) == DUNNO
        assert f.ask(end(sasl_username="")) == DUNNO
        assert f.ask(stage("MAIL")) == DUNNO
        assert f.end() == ""


def test_attributes_in_any_order(world):
    limit(world, 1)
    with Filter(world) as f:
        lines = end().strip().split(b"\n")
        assert f.ask(b"\n".join(reversed(lines)) + b"\nsome=thing\n\n") == DUNNO
        assert is_limited(f.ask(end()))


def test_instance_is_counted_once(world):
    """However often, and whichever process is asked."""
    limit(world, 2)
    with Filter(world) as one, Filter(world) as other:
        first = instance()
        for f in (one, other, one):
            assert f.ask(end(first) * 5, 5) == DUNNO * 5
        assert one.ask(end()) == DUNNO
        second = instance()
        assert is_limited(one.ask(end(second)))
        assert is_limited(other.ask(end(second)))
        assert other.ask(end(first)) == DUNNO


def test_message_that_goes_on_is_another_question(world):
    """Postfix does not end a transaction that is refused at its end, by whom ever:
    more recipients can follow, and another text."""
    world.compile('limit sending { messages = "0" recipients = "10/30d" }')
    with Filter(world) as f:
        of = instance()
        assert f.ask(end(of, queue_id="3F2A01")) == DUNNO
        assert f.ask(end(of, queue_id="3F2A01")) == DUNNO
        # Before the queue there is no queue id.
        other = instance()
        assert f.ask(end(other, queue_id="")) == DUNNO
        for again in ({"of": of, "queue_id": "3F2A02"},
                      {"of": other, "queue_id": ""}):
            answer = f.ask(end(recipient_count="9", **again))
            assert b"450 4.7.1 Too many recipients" in answer
        assert f.ask(end(of, recipient_count="6", queue_id="3F2A03")) == DUNNO
        assert b"450 4.7.1 " in f.ask(end(recipient_count="1"))


def test_exact_among_filters(world):
    """Eight at once, 100 messages each: 200 pass."""
    limit(world, 200)

    def send():
        with Filter(world) as f:
            return split(f.ask(b"".join(message() for _ in range(100)), 400))

    answers = sum(at_once([send] * 8), [])
    assert len(answers) == 3200
    ends = [a for i, a in enumerate(answers) if i % 4 == 3]
    assert ends.count(DUNNO) == 200
    assert all(a == DUNNO or is_limited(a) for a in ends)


def test_frozen(world):
    world.compile('reveal = "always"')
    with Filter(world) as f:
        assert f.ask(message(), 4) == DUNNO * 4
        world.cli("freeze", USER)
        assert f.ask(message(), 4) == FROZEN * 4
        world.cli("release", USER)
        # Who logged in before the freeze is to log in anew.
        assert b"DUNNO" not in f.ask(message(), 4)
        assert f.ask(request("CONNECT", FREE)) == DUNNO
        assert f.ask(message(), 4) == DUNNO * 4
    # Nobody saw this one begin, and smtpd is older than the freeze; the next is not.
    with Filter(world) as f:
        assert b"DUNNO" not in f.ask(message(), 4)
        assert f.ask(message(client_port="2"), 4) == DUNNO * 4


@pytest.mark.parametrize("on_freeze,answer", [
    ("hold", b"action=HOLD account frozen by Lockstep for what it sends\n\n"),
    ("reject", FROZEN.replace(b"421 4", b"554 5")),
])
def test_too_much(world, on_freeze, answer):
    world.compile('limit sending { messages = "1/30d" recipients = "0" '
                  f'freeze-at = 200 on-freeze = "{on_freeze}" }}')
    with Filter(world) as f:
        assert f.ask(message(), 4) == DUNNO * 4
        assert is_limited(split(f.ask(message(), 4))[3])
        # The two that may be tried were.
        held = instance()
        assert split(f.ask(message(held), 4))[3] == answer
        # To who asks again: the same.
        assert f.ask(end(held)) == answer
        assert f.ask(stage("RCPT")).startswith(b"action=421 4.7.1 ")
    assert "3F2A01" in world.cli("events", "--type", "message")


def test_one_recipient_that_rcpt_was_not_asked_about(world):
    """Postfix names it at the end. One message is not all others, and not one more
    when it comes again."""
    world.compile('limit sending { messages = "1/30d" recipients = "0" '
                  "freeze-at = 500 }")

    def to(recipient):
        return f.ask(end(recipient=recipient, recipient_count="1"))

    with Filter(world) as f:
        assert to("a@x.example") == DUNNO
        for _ in range(10):
            for who in "bcde":
                assert is_limited(to(f"{who}@x.example"))
        assert to("f@x.example").startswith(b"action=HOLD ")


def test_rcpt_that_is_never_asked_about_is_told(world):
    """Messages that differ in nothing but whom they go to are then one."""
    world.compile('limit sending { messages = "1/30d" recipients = "0" '
                  "freeze-at = 200 }")
    with Filter(world) as f:
        assert f.ask(end()) == DUNNO
        # So far, another process may have been asked, and killed.
        assert f.log.exists() is False
        assert all(map(is_limited, split(f.ask(b"".join(
            end() for _ in range(20)), 20))))
        log = f.end()
    assert log.count("\n") == 1 and "not asked at RCPT" in log
    f.log.unlink()
    with Filter(world) as f:
        f.ask(stage("RCPT") + end() * 3, 4)
        f.ask(end(sasl_username="") * 3, 3)
        assert f.end() == ""


def test_relay_over_its_limit(world):
    """Without a login: told at RCPT already, and charged at the end alone."""
    world.compile('limit relay { messages = "1/30d" }')
    with Filter(world) as f:
        nobody = {"sasl_username": ""}
        assert f.ask(message(**nobody), 4) == DUNNO * 4
        assert all(map(is_limited, split(f.ask(message(**nobody), 4))))


def test_release_when_the_journal_is_lost(world):
    """It says so, and how held mail is found; not where nothing can be held."""
    world.compile('limit sending { messages = "1/30d" recipients = "0" '
                  'freeze-at = 100 }')
    for prolonged in (False, True):
        with Filter(world) as f:
            # Connected after the release, or it would be refused.
            assert f.ask(request("CONNECT", FREE)) == DUNNO
            assert split(f.ask(message() + message(), 8))[7].startswith(
                b"action=HOLD ")
        if prolonged:
            world.cli("freeze", USER, "--for", "7d")
        world.cli("init")
        out = world.cli("release", USER)
        assert f"user {USER} is released; was frozen\n" in out
        assert ("\nno place was first seen since " in out) == prolonged
        assert "\nmail of it may be held" in out
        assert postfix.SEARCH in out
        assert_fits(out)
    world.cli("freeze", USER)
    world.cli("init")
    out = world.cli("release", USER)
    assert out.startswith(f"user {USER} is released; was frozen\n")
    assert "held" not in out


def test_nothing_is_told_where_the_policy_says_never(world):
    world.compile('reveal = "never"')
    world.cli("freeze", USER)
    with Filter(world) as f:
        assert f.ask(stage("RCPT")) == b"action=421 4.7.1 Service not " \
            b"available, try again later\n\n"


# ---- what clients can do ---------------------------------------------------


def test_thousand_pipelined(world):
    limit(world, 200)
    with Filter(world) as f:
        thread = f.send_beside(b"".join(message() for _ in range(250)))
        answers = split(f.answers(1000))
        thread.join()
        assert len(answers) == 1000
        assert answers[:800] == [DUNNO] * 800
        assert all(map(is_limited, answers[803::4]))
        assert f.end() == ""


def test_slow_client(world):
    """A byte after the other, and a pause after each."""
    limit(world, 1)
    with Filter(world) as f:
        for byte in end():
            f.sock.sendall(bytes([byte]))
            time.sleep(0.005)
        assert f.answers() == DUNNO
        for byte in end():
            f.sock.sendall(bytes([byte]))
            time.sleep(0.005)
        assert is_limited(f.answers())


@pytest.mark.parametrize("name", ["recipient", "sender", "sasl_username",
                                  "instance", "queue_id", "unknown"])
def test_ten_megabytes_without_newline(world, name):
    """Answered at once, thrown away up to its end; nothing is counted, and the
    next is understood."""
    limit(world, 1)
    with Filter(world) as f:
        whole = end(**{name: "MARK"})
        begin, rest = whole.split(b"MARK")
        thread = f.send_beside(begin + b"x" * 10_000_000)
        assert f.answers() == DUNNO
        thread.join()
        f.sock.sendall(rest)
        assert f.ask(stage("RCPT") + end(), 2) == DUNNO * 2
        assert is_limited(f.ask(end()))
        log = f.end()
    assert log.count("\n") == 1 and "request not understood" in log


def test_values_too_long(world):
    """A message that cannot be understood is left to Postfix, and not counted."""
    limit(world, 1)
    with Filter(world) as f:
        for name, size in (("sasl_username", 2560), ("sender", 2560),
                           ("instance", 96), ("queue_id", 64)):
            assert f.ask(end(**{name: "x" * size})) == DUNNO
        for name in ("recipient_count", "size"):
            for number in ("-1", "2x", "18446744073709551616", "1e3"):
                assert f.ask(end(**{name: number})) == DUNNO
        # The largest there is, which this policy allows.
        assert f.ask(end(recipient_count="18446744073709551615",
                         sasl_username="ann@example.test")) == DUNNO
        assert f.ask(stage("RCPT") + end(), 2) == DUNNO * 2
        assert is_limited(f.ask(end()))
        assert f.end().count("\n") == 1


def noise(size):
    """Any bytes that do not end a request or a line."""
    return os.urandom(size).translate(None, b"\n\0").decode("latin-1") or "x"


def as_bytes(state, **words):
    """A request whose values are latin-1."""
    text = stage(state, **words).decode()
    return text.encode("latin-1")


def test_binary(world):
    limit(world, 1000000)
    with Filter(world) as f:
        for _ in range(100):
            for state in ("RCPT", "DATA", "END-OF-MESSAGE"):
                words = {name: noise(40) for name in
                         ("sasl_username", "sender", "recipient", "queue_id",
                          "instance")}
                assert f.ask(as_bytes(state, **words)) == DUNNO
        for _ in range(50):
            f.sock.sendall(os.urandom(20000).replace(b"\n\n", b"\n"))
        f.sock.sendall(b"\n\n")
        f.answers()
        log = f.end()
    assert log.count("\n") <= 3
    assert not re.search(r"[^ -~\n]", log)
    assert "0 findings" in world.cli("verify")
    text = world.cli("events")
    assert not re.search(r"[^ -~\n]", text)


def test_recipients_without_end(world):
    """More than are noted for one message; the message is counted once."""
    limit(world, 1)
    with Filter(world) as f:
        of = instance()
        thread = f.send_beside(b"".join(
            stage("RCPT", of, recipient=f"r{i}@x.example")
            for i in range(20000)))
        assert f.answers(20000) == DUNNO * 20000
        thread.join()
        assert f.ask(end(of, recipient_count="20000")) == DUNNO
        assert is_limited(f.ask(end()))


def test_hang_up_within_a_message(world):
    """Nothing is counted of what did not end."""
    limit(world, 1)
    for cut in (1, 100, -1):
        with Filter(world) as f:
            f.sock.sendall(stage("RCPT") + stage("DATA") + end()[:cut])
            assert f.end() == ""
    with Filter(world) as f:
        assert f.ask(end()) == DUNNO
        assert is_limited(f.ask(end()))


def test_killed_amid_messages(world):
    """Whatever was under way, the map is sound and no more than all is
    counted."""
    limit(world, 500)

    def send_and_die(number):
        with Filter(world) as f:
            thread = f.send_beside(b"".join(message() for _ in range(100)))
            f.answers(4 * number + 1)
            f.process.kill()
            f.process.wait()
            f.sock.close()
            return thread

    for thread in at_once([functools.partial(send_and_die, n)
                           for n in range(4)]):
        thread.join()
    assert "0 findings" in world.cli("verify")
    with Filter(world) as f:
        ends = split(f.ask(b"".join(message() for _ in range(500)), 2000))[3::4]
    assert 100 <= ends.count(DUNNO) <= 500

"""Logins and sessions that are too many: refused at the door, and told so."""

import os
import signal

import pytest

from lib.attempts import attempt, right_calls
from lib.cast import USERS, cast, crowd
from lib.stack import Stack, poll

MECHS = (None, "PLAIN", "CRAM-MD5", "SCRAM-SHA-1")
LOGINS, STRANGERS = 40, 12
POLICY = f"""
limit ip {{ logins = "{STRANGERS}/30d" }}
limit user {{ sessions = 1 logins = "{LOGINS}/30d" }}
"""
# A code that says "later", and words for people, as far as each door has both.
HEARD = {
    "imap": "NO [LIMIT] Too many {what}.",
    "pop3": "-ERR [{code}] Too many {what}.",
    "sieve": 'NO "Too many {what}.',
    "submission": "454 4.7.0 Temporary authentication failure.",
    "smtp": "535 5.7.8 Error: authentication failed: Too many {what}.",
}


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, policy=POLICY) as running:
        yield running


def use_up_logins(stack, who, ip):
    with stack.auth() as auth:
        replies = attempt(auth, right_calls([who] * LOGINS, ip))
    assert all(reply.ok for reply in replies)


@pytest.mark.parametrize("mech", MECHS)
def test_sessions_are_told(stack, mech):
    """By every mechanism; and no password is verified for it."""
    who = cast()
    session = stack.login("imap", who.number, ip=who.owner, keep=True)
    assert session.ok
    verified = len(stack.verified(who.number))
    for door in ("imap", "pop3", "sieve", "submission"):
        for ip in (who.owner, who.stranger):
            for password in (None, "wrong"):
                answer = stack.login(door, who.number, password, ip=ip,
                                     mech=mech)
                assert not answer.ok and answer.stage == "login"
                assert answer.text.startswith(
                    HEARD[door].format(what="sessions", code="IN-USE")), \
                    answer
    assert len(stack.verified(who.number)) == verified
    assert not stack.locks()
    # Postfix has no sessions.
    assert stack.login("smtp", who.number, ip=who.owner, mech=mech).ok
    session.close()
    poll(lambda: stack.login("pop3", who.number, ip=who.owner).ok,
         what="a place")


def test_logins_are_told(stack):
    """Those by one door count at all others."""
    who = cast()
    use_up_logins(stack, who, who.owner)
    verified = len(stack.verified(who.number))
    for door, heard in HEARD.items():
        for ip in (who.owner, who.stranger):
            answer = stack.login(door, who.number, ip=ip)
            assert not answer.ok
            assert answer.text.startswith(
                heard.format(what="logins", code="SYS/TEMP")), answer
    assert len(stack.verified(who.number)) == verified
    assert not stack.locks()
    other = cast()
    assert stack.login("imap", other.number, ip=other.owner).ok


def test_logins_of_strangers_at_an_address(stack):
    """An address has a limit for those who are new there, exactly."""
    people = crowd(STRANGERS + 6)
    ip = cast().stranger
    with stack.auth() as auth:
        replies = attempt(auth, right_calls(people, ip))
        assert sum(reply.ok for reply in replies) == STRANGERS
        # Who is familiar by now is not counted.
        again = [who for who, reply in zip(people, replies) if reply.ok]
        assert all(r.ok for r in attempt(auth, right_calls(again, ip)))
    late = stack.login("imap", cast().number, ip=ip)
    assert late.text.startswith(HEARD["imap"].format(what="logins"))


def test_revealed_to_nobody():
    """`never` makes a wrong password of it, for whoever reads the answer."""
    with Stack(users=USERS, policy=POLICY + 'reveal = "never"\n') as stack:
        who = cast()
        wrong = {door: stack.login(door, cast().number, "wrong",
                                   ip=who.stranger).text for door in HEARD}
        use_up_logins(stack, who, who.owner)
        for door in HEARD:
            assert stack.login(door, who.number, ip=who.owner).text == \
                wrong[door]


def test_killed_session_is_swept(stack):
    """By lockstepd, which tells of its end; nobody has to need its place."""
    who = cast()
    session = stack.login("imap", who.number, ip=who.owner, keep=True)
    assert session.ok
    pid = poll(lambda: [s["pid"] for s in stack.sessions()
                        if s["user"] == who.user], what="the session")[0]
    os.kill(pid, signal.SIGKILL)
    ended = poll(lambda: [e for e in stack.events("session-end")
                          if e.get("user") == who.user], what="its end")
    assert [(e["how"], e["service"], e["address"]) for e in ended] == \
        [("died", "imap", who.owner)]
    assert ended[0]["duration_ms"] >= 0
    assert stack.lockstep("verify").returncode == 0
    session.close()
    assert stack.login("imap", who.number, ip=who.owner).ok


def test_without_the_sessions_map():
    """Removed, a limit cannot be looked at: logins go on."""
    with Stack(users=USERS, policy=POLICY) as stack:
        who = cast()
        os.truncate(os.path.join(stack.env["STATE_DIR"], "sessions"), 4096)
        for door in ("imap", "pop3", "submission"):
            assert stack.login(door, who.number, ip=who.owner, keep=True).ok

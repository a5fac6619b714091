"""The mail plugin writes down each mail session, and nothing else."""

import smtplib

import pytest

from lib.cast import cast
from lib.stack import poll

SERVICES = {"imap": "imap", "pop3": "pop3", "sieve": "sieve",
            "submission": "submission"}


def sessions(stack, who):
    return [e for e in stack.events("session") if e.get("user") == who.user]


@pytest.mark.parametrize("door", SERVICES)
@pytest.mark.parametrize("family", [4, 6])
def test_session_is_recorded(stack, door, family):
    who = cast()
    ip = who.owner if family == 4 else who.at6(0)
    answer = stack.login(door, who.number, ip=ip, keep=True)
    assert answer.ok
    found = poll(lambda: sessions(stack, who), what="the session")
    answer.close()
    assert [(e["service"], e["user"], e["address"]) for e in found] == \
        [(SERVICES[door], who.user, ip)]
    # The id finds the session in Dovecot's log; long ones are cut.
    poll(lambda: f"session=<{found[0]['session']}" in stack.dovecot_log(),
         what="its line in Dovecot's log")
    text = stack.lockstep("events").stdout
    assert f"session {SERVICES[door]} {who.user} {ip} " \
           f"session <{found[0]['session']}>" in text


def test_each_session_is_one(stack):
    who = cast()
    for _ in range(5):
        assert stack.login("imap", who.number, ip=who.owner).ok
    assert stack.login("pop3", who.number, ip=who.stranger).ok
    poll(lambda: len(sessions(stack, who)) == 6, what="six sessions")
    assert [e["address"] for e in sessions(stack, who)].count(who.owner) == 5


def test_failed_login_is_no_session(stack):
    who = cast()
    assert not stack.login("imap", who.number, "wrong", ip=who.owner).ok
    assert stack.login("smtp", who.number, ip=who.owner).ok  # no mail process
    assert stack.login("pop3", who.number, ip=who.owner).ok
    poll(lambda: sessions(stack, who), what="the session")
    assert [e["service"] for e in sessions(stack, who)] == ["pop3"]


def deliver(stack, who):
    """By LMTP."""
    with smtplib.LMTP(stack.env["LMTP_SOCKET"], local_hostname="x") as lmtp:
        lmtp.sendmail("a@elsewhere.example", [who.user],
                      b"Subject: x\r\n\r\nx\r\n")


def test_delivery_and_doveadm_are_none(stack):
    who, witness = cast(), cast()
    verified = len(stack.verified())
    logins = len(stack.events("login"))
    deliver(stack, who)
    out = stack.doveadm("mailbox", "status", "-u", who.user, "messages",
                        "INBOX")
    assert out.returncode == 0 and "messages=1" in out.stdout, out
    assert stack.doveadm("user", who.user).returncode == 0
    assert len(stack.verified()) == verified
    assert len(stack.events("login")) == logins
    # Later than those, and there:
    assert stack.login("imap", witness.number, ip=witness.owner).ok
    poll(lambda: sessions(stack, witness), what="a session")
    assert sessions(stack, who) == []


def test_locked_account_still_gets_mail(stack):
    who = cast()
    assert stack.lockstep("lock", who.user).returncode == 0
    assert not stack.login("imap", who.number, ip=who.owner).ok
    deliver(stack, who)
    out = stack.doveadm("mailbox", "status", "-u", who.user, "messages",
                        "INBOX")
    assert "messages=1" in out.stdout, out

"""Everything else that asks the auth process: cached answers, proxies, doveadm,
mail delivery. Run with Dovecot's auth cache on."""

import functools
import pathlib
import smtplib
import tempfile

import pytest

from lib.attempts import attempt, counter, guess, guess_calls, locked, log_in
from lib.cast import (IP_FAILURES, USER_FAILURES, USERS, at_once, cast,
                      guesses, networks)
from lib.clients import DOORS
from lib.stack import Stack


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, dovecot=["auth_cache_size = 10M"]) as running:
        yield running


def records(stack, who):
    return [(e["verdict"], e.get("outcome")) for e in stack.events("login")
            if e["user"] == who.user]


# ---- the auth cache ------------------------------------------------------


def test_cached_answers_are_guarded(stack, auth):
    """The question comes before the cache, and what the cache answers counts."""
    who, seen = cast(), counter(stack)
    for _ in range(3):
        assert log_in(auth, who, who.owner)
    assert len(seen()) == 1  # the others came from the cache
    guess(auth, who, [who.guesser] * (IP_FAILURES + 5))
    assert records(stack, who) == \
        [("admit", "success")] * 3 + [("admit", "wrong")] * IP_FAILURES + \
        [("deny", None)] * 5
    assert ("ip", who.guesser) in locked(stack)
    # Cached as right, and refused all the same.
    for door in DOORS:
        assert not stack.login(door, who.number, ip=who.guesser).ok
    assert log_in(auth, who, who.owner)
    assert stack.lockstep("unlock", who.guesser).returncode == 0
    assert log_in(auth, who, who.guesser)


def test_frozen_and_cached(stack, auth):
    who = cast()
    assert log_in(auth, who, who.owner)
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    assert not log_in(auth, who, who.owner)
    assert stack.lockstep("release", who.user).returncode == 0
    assert log_in(auth, who, who.owner)


# ---- proxies -------------------------------------------------------------


def test_forwarded_address_is_the_clients(stack):
    """Through a proxy that says who is behind it, by each protocol's own means,
    one address has one limit; another behind the same proxy has its own."""
    who, seen = cast(), counter(stack)
    doors = ("imap", "pop3", "sieve", "submission")
    answers = at_once(functools.partial(
        stack.login, doors[i % 4], who.number, word, ip=who.guesser)
        for i, word in enumerate(guesses(2 * IP_FAILURES)))
    assert not any(answer.ok for answer in answers)
    assert len(seen()) == IP_FAILURES
    assert {v.address for v in seen()} == {who.guesser}
    for door in doors:
        assert not stack.login(door, who.number, ip=who.guesser).ok
    for door in doors:
        assert stack.login(door, who.number, ip=who.stranger).ok
    assert "127.0.0.1" not in {subject for _, subject in locked(stack)}


def test_forwarded_ipv6_address(stack):
    who, seen = cast(), counter(stack)
    answers = at_once(functools.partial(
        stack.login, ("imap", "pop3")[i % 2], who.number, word,
        ip=who.at6(1, f"{i + 1:x}"))
        for i, word in enumerate(guesses(2 * IP_FAILURES)))
    assert not any(answer.ok for answer in answers)
    assert len(seen()) == IP_FAILURES
    assert not stack.login("imap", who.number, ip=who.at6(1)).ok
    assert stack.login("pop3", who.number, ip=who.at6(2)).ok


# ---- doveadm -------------------------------------------------------------


def auth_test(stack, who, password, *words):
    """Whether `doveadm auth test` succeeds."""
    out = stack.doveadm("auth", "test", *words, who.user, password)
    assert "auth succeeded" in out.stdout or "auth failed" in out.stdout, out
    return "auth succeeded" in out.stdout


def test_doveadm_auth_test_as_from_an_address(stack, auth):
    """It asks what that client would be told, and counts as that client. It
    does not say that it came by TLS, which strangers have to, unless they came
    over loopback."""
    who, other, seen = cast(), cast(), counter(stack)
    here = ["-x", "service=imap", "-x", "lip=127.0.0.1"]
    place = ["-x", f"rip={who.guesser}", *here]
    assert not auth_test(stack, who, who.password, *place[:4])
    assert seen() == []
    for word in guesses(2):
        assert not auth_test(stack, who, word, *place)
    guess(auth, other, [who.guesser] * IP_FAILURES)
    assert len(seen(who.user)) == 2
    assert len(seen(other.user)) == IP_FAILURES - 2
    assert not auth_test(stack, who, who.password, *place)
    assert auth_test(stack, who, who.password, "-x", f"rip={who.owner}", *here)
    assert log_in(auth, who, who.owner)


def deliver(stack, who):
    """By LMTP; raises when the account is not taken."""
    with smtplib.LMTP(stack.env["LMTP_SOCKET"], local_hostname="x") as lmtp:
        lmtp.sendmail("a@elsewhere.example", [who.user],
                      b"Subject: x\r\n\r\nx\r\n")


def lookups(stack, who):
    """None of them is a login."""
    for command in (["user", who.user], ["auth", "lookup", who.user],
                    ["mailbox", "list", "-u", who.user]):
        out = stack.doveadm(*command)
        assert out.returncode == 0, out
    deliver(stack, who)


@pytest.mark.parametrize("trouble", ["lock", "freeze"])
def test_lookups_are_no_logins(stack, trouble):
    """Of an account that is locked or frozen, too: its mail arrives."""
    who = cast()
    before = len(stack.verified()), len(stack.events("login"))
    lookups(stack, who)
    assert stack.lockstep(trouble, who.user, "--for", "1h").returncode == 0
    lookups(stack, who)
    assert (len(stack.verified()), len(stack.events("login"))) == before
    assert not stack.login("imap", who.number, ip=who.owner).ok


def test_lookups_do_not_free_a_guesser(stack, auth):
    """Nor do they use up what the account's owner has."""
    who, seen = cast(), counter(stack)
    guess(auth, who, networks(USER_FAILURES - 1))
    for _ in range(3):
        lookups(stack, who)
    replies = attempt(auth, guess_calls([who.user] * 5, networks(5)))
    assert not any(reply.ok for reply in replies)
    assert len(seen()) == USER_FAILURES


# ---- a right password from the wrong place --------------------------------


@pytest.fixture
def place():
    """A directory that Dovecot's user can walk to."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        pathlib.Path(name).chmod(0o755)
        yield pathlib.Path(name)


def test_allow_nets(place):
    """Dovecot makes a wrong password of it. It counts as one: once, however often it
    is tried. That it was tried the auth process alone remembers: something made of a
    right password must not be in the map."""
    passwords = place / "passwords"
    passwords.write_text("joe@example.test:{PLAIN}sesame::::::"
                         "allow_nets=198.51.100.0/24\n")
    with Stack(users=1, passwd_file=passwords) as stack, \
            stack.auth() as auth:
        assert not any(auth.login("joe@example.test", "sesame",
                                  ip="192.0.2.7").ok for _ in range(12))
        assert [(e["verdict"], e.get("outcome"), e.get("reason"))
                for e in stack.events("login")] == \
            [("admit", "wrong", None)] + [("admit", "wrong", "repeats")] * 11
        assert auth.login("joe@example.test", "sesame", ip="198.51.100.7").ok

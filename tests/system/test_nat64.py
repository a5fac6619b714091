"""A client whose IPv4 address a NAT64 wrote into an IPv6 one is at that IPv4
address: by 64:ff9b::/96 always, by the prefixes that the policy names too."""

import ipaddress

import pytest

from lib.attempts import attempt, counter, guess_calls, log_in, locked
from lib.cast import IP_FAILURES, USERS, cast
from lib.stack import Stack

POLICY = """
nat64 = { "2001:db8:64::/96", "2001:db8:48::/48" }
denied = { "2001:db8:64::100.66.0.0/112" }
"""


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, policy=POLICY) as running:
        yield running


def spellings(ip):
    number = int(ipaddress.IPv4Address(ip))
    high, low = number >> 16, number & 0xffff
    return [ip, f"::ffff:{ip}", f"64:ff9b::{ip}", f"2001:db8:64::{ip}",
            f"2001:db8:48:{high:x}:{low >> 8:x}:{(low & 0xff) << 8:x}::"]


def test_one_address_one_limit(stack, auth):
    """However it is written: the limit, the lock, the place, the events."""
    who, seen = cast(), counter(stack)
    spelled = spellings(who.guesser)
    attempt(auth, guess_calls([who.user] * 40, spelled * 8))
    assert len(seen()) == IP_FAILURES
    assert ("ip", who.guesser) in locked(stack)
    assert not any(log_in(auth, who, ip) for ip in spelled)
    assert {e["address"] for e in stack.events("login")
            if e["user"] == who.user} == {who.guesser}
    for ip in spelled[1:]:
        assert stack.lockstep("unlock", ip).returncode == 0, ip
        assert log_in(auth, who, who.guesser), ip
        assert stack.lockstep("lock", ip).returncode == 0, ip
        assert ("ip", who.guesser) in locked(stack)
        assert stack.lockstep("list", "locks", ip).stdout.count("\n") == 2


def test_familiar_by_any_spelling(stack, auth):
    who = cast()
    first, *others = reversed(spellings(who.owner))
    assert log_in(auth, who, first)
    assert stack.lockstep("lock", who.user).returncode == 0
    assert all(log_in(auth, who, ip) for ip in others)
    assert not log_in(auth, who, who.stranger)
    for ip in [first, *others]:
        out = stack.lockstep("explain", who.user, "from", ip).stdout
        assert out.startswith(f"{who.user} from {who.owner}\n")


def test_connections_and_sessions(stack):
    """Postfix refuses the address, a session is shown under it."""
    who = cast()
    wrapped = spellings(who.guesser)[2:]
    assert stack.lockstep("lock", who.guesser).returncode == 0
    for ip in wrapped:
        answer = stack.connect(ip)
        assert answer.text.startswith("421"), answer
    for ip in spellings(who.owner)[2:]:
        answer = stack.login("imap", who.number, ip=ip, keep=True)
        assert answer.ok
        assert who.owner in {s["address"] for s in stack.sessions()
                             if s["user"] == who.user}
        answer.close()


def test_denied_behind_it(stack, auth):
    who = cast()
    for ip in spellings("100.66.7.7"):
        assert not log_in(auth, who, ip)
    assert log_in(auth, who, "100.67.7.7")

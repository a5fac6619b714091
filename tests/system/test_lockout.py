"""The main promise, on real servers: who guesses at one door is refused at all
of them from the next attempt on, and the owner notices nothing."""

import functools
import json

import pytest

from lib.cast import LIMIT, at_once, cast, crowd, guesses
from lib.clients import DOORS

# None: the protocol's own command.
MECHANISMS = {
    "imap": [None, "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
    "pop3": [None, "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
    "sieve": ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
    "submission": ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
    "smtp": ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
}
WAYS = [(door, mech) for door in DOORS for mech in MECHANISMS[door]]


@pytest.fixture(scope="module")
def wrong_text(stack):
    """What a door says to a wrong password where nothing is locked."""
    @functools.cache
    def ask(door, mech):
        who = cast()
        answer = stack.login(door, who.number, *guesses(1), ip=who.guesser,
                             mech=mech)
        assert not answer.ok and answer.stage == "login"
        return answer.text
    return ask


class Doors:
    """All doors from one address. The connection to Postfix is made at once:
    later it may be refused before any login."""

    def __init__(self, stack, who, ip, mech=None):
        self.stack, self.who, self.ip, self.mech = stack, who, ip, mech
        self.early = stack.connect(ip, keep=True)
        assert self.early.ok, self.early

    def mech_at(self, door):
        return self.mech if self.mech in MECHANISMS[door] else None

    def login(self, door, password=None):
        if door == "smtp":
            return self.stack.login_on(self.early, self.who.number, password,
                                       mech=self.mech_at(door))
        return self.stack.login(door, self.who.number, password, ip=self.ip,
                                mech=self.mech_at(door))

    def login_everywhere(self, password=None):
        """{door: answer}"""
        answers = at_once(functools.partial(self.login, door, password)
                          for door in DOORS)
        return dict(zip(DOORS, answers))


def everywhere(stack, who, ip, mech=None):
    return Doors(stack, who, ip, mech).login_everywhere()


def guess(stack, who, ip, door, mech, count, **how):
    """So many wrong passwords, at the same time and all different."""
    return at_once(functools.partial(stack.login, door, who.number, word,
                                     ip=ip, mech=mech, **how)
                   for word in guesses(count))


def lock_by_guessing(stack, who, ip, door="imap", mech=None):
    answers = guess(stack, who, ip, door, mech, LIMIT)
    assert not any(answer.ok for answer in answers)
    assert [lock["subject"] for lock in stack.locks()
            if lock["subject"] == ip] == [ip]


@pytest.mark.parametrize("door,mech", WAYS)
def test_lockout(stack, wrong_text, door, mech):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    waiting = Doors(stack, who, who.guesser, mech)

    # The tenth guess is the last that is verified.
    before = len(stack.verified(who.number))
    texts = set()
    for count, want in ((LIMIT - 1, LIMIT - 1), (1, LIMIT), (3, LIMIT)):
        locked = who.guesser in [lock["subject"] for lock in stack.locks()]
        assert locked == (count == 3)
        for answer in guess(stack, who, who.guesser, door, mech, count):
            assert not answer.ok
            if answer.stage == "login":
                texts.add(answer.text)
        verified = stack.verified(who.number)[before:]
        assert len(verified) == want
    assert {(v.service, v.address) for v in verified} == {(door, who.guesser)}
    assert texts == {wrong_text(door, mech)}

    # The right password, everywhere, on connections old and new.
    answers = waiting.login_everywhere()
    for name, answer in answers.items():
        assert not answer.ok, (name, answer)
        assert answer.text == wrong_text(name, waiting.mech_at(name))
    assert stack.verified(who.number)[before:] == verified
    refused = stack.connect(who.guesser)
    assert refused.stage == "connect" and refused.text.startswith("421 4.7.0 ")
    assert stack.connect(who.guesser, port="SMTP_PORT").ok

    # The owner, and the owner's friend who is away for the first time.
    for ip in (who.owner, who.stranger):
        for name, answer in everywhere(stack, who, ip, mech).items():
            assert answer.ok, (ip, name, answer)

    assert stack.lockstep("unlock", who.guesser).returncode == 0
    for name, answer in everywhere(stack, who, who.guesser, mech).items():
        assert answer.ok, (name, answer)


@pytest.mark.parametrize("door", DOORS)
def test_guesses_at_many_accounts(stack, door):
    """The limit is the address's, whoever is guessed at, known or not."""
    people = crowd(4)
    ip = people[0].guesser
    before = len(stack.verified())
    answers = at_once(
        functools.partial(stack.login, door, number, word, ip=ip)
        for number, word in zip([*(p.number for p in people), "0", "x"] * 3,
                                guesses(18)))
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified()) - before == LIMIT


def test_what_the_tools_show(stack):
    who = cast()
    lock_by_guessing(stack, who, who.guesser)
    stack.login("pop3", who.number, ip=who.guesser)
    assert not stack.connect(who.guesser).ok
    lines = stack.lockstep("list").stdout.splitlines()
    assert any(who.guesser in line and "failures" in line and "rule" in line
               for line in lines)
    lock = next(lock for lock in stack.locks()
                if lock.get("subject") == who.guesser)
    assert lock | {"since": 0, "until": 0} == {
        "kind": "ip", "subject": who.guesser, "address": who.guesser,
        "reason": "failures", "strikes": 1, "since": 0, "until": 0,
        "origin": "rule"}
    events = [e for e in stack.events() if e.get("address") == who.guesser]
    shown = [(e["type"], e.get("service"), e.get("verdict"), e.get("outcome"))
             for e in events]
    assert sorted(shown[:-2], key=str) == sorted(
        [("login", "imap", "admit", "wrong")] * LIMIT +
        [("lock", None, None, None)], key=str)
    assert shown[-2:] == [("login", "pop3", "deny", None),
                          ("connect", "submission", "deny", None)]
    refused = events[-2]
    assert (refused["user"], refused["reason"], refused["kind"]) == \
        (who.user, "failures", "ip")
    text = stack.lockstep("events").stdout
    assert f"lock    ip {who.guesser} for failures, strike 1" in text
    assert f"pop3 {who.user} {who.guesser} refused: failures of ip" in text


def test_lock_by_hand(stack):
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    out = stack.lockstep("lock", "--for", "2h", who.guesser)
    assert out.returncode == 0 and who.guesser in out.stdout
    before = len(stack.verified(who.number))
    for answer in at_once(functools.partial(stack.login, door, who.number,
                                            ip=who.guesser) for door in DOORS):
        assert not answer.ok
    assert len(stack.verified(who.number)) == before
    assert stack.login("imap", who.number, ip=who.at(1, 67)).ok
    event = [e for e in stack.events("lock")
             if e["subject"] == who.guesser][-1]
    assert (event["origin"], event["reason"]) == ("admin", "admin")
    assert stack.lockstep("unlock", who.guesser).returncode == 0
    assert stack.login("smtp", who.number, ip=who.guesser).ok
    again = stack.lockstep("unlock", who.guesser)
    assert again.returncode == 1 and "was not locked" in again.stdout


def test_names_of_subjects(stack):
    """What unlocking an address leaves locked is told; a name may look much
    like a place."""
    who = cast()
    net = who.guesser.rsplit(".", 1)[0] + ".0/24"
    place = f"a from b from c{who.number} from {net}"
    name = f"a from b from c{who.number}"
    for subject in (net, who.guesser, place, name):
        as_user = ["--user"] if subject == name else []
        assert stack.lockstep("lock", *as_user, subject).returncode == 0
    locks = [lock for lock in stack.locks()
             if name in lock["subject"] or net in lock["subject"]]
    assert sorted((lock["kind"], lock["subject"]) for lock in locks) == [
        ("net", net), ("place", place), ("user", name)]
    out = stack.lockstep("unlock", who.guesser)
    assert out.returncode == 0
    first, second = out.stdout.splitlines()
    assert first == f"ip {who.guesser} is unlocked"
    assert second.startswith(f"net {net} is still locked until 2")
    assert second.endswith(f": lockstep unlock '{net}'")
    for subject in (place, name, net):
        assert stack.lockstep("unlock", subject).returncode == 0
    again = stack.lockstep("unlock", who.guesser)
    assert (again.returncode, again.stdout) == (
        1, f"ip {who.guesser} was not locked\n")


def test_loopback_is_never_locked_as_an_address(stack):
    who = cast()
    for answer in guess(stack, who, None, "imap", None, LIMIT + 2):
        assert not answer.ok
    assert len(stack.verified(who.number)) == LIMIT + 2
    assert "127.0.0.1" not in [lock["subject"] for lock in stack.locks()]


def test_right_passwords_are_free(stack):
    """A success gives back what it was charged."""
    who = cast()
    for _ in range(2 * LIMIT):
        assert stack.login("imap", who.number, ip=who.guesser).ok
    lock_by_guessing(stack, cast(), who.guesser)


def test_backend_failures_are_free(stack):
    who = cast()
    stack.passdb(fail=True)
    try:
        answers = guess(stack, who, who.guesser, "imap", None, LIMIT)
        answers += guess(stack, who, who.guesser, "imap", None, 5)
        assert not any(answer.ok for answer in answers)
    finally:
        stack.passdb()
    assert stack.login("imap", who.number, ip=who.guesser).ok


@pytest.mark.parametrize("tls", [True, "implicit"])
def test_over_tls(stack, tls):
    who = cast()
    answers = guess(stack, who, who.guesser, "imap", None, LIMIT + 3, tls=tls)
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified(who.number)) == LIMIT
    assert not stack.login("imap", who.number, ip=who.guesser, tls=tls).ok
    assert not stack.login("pop3", who.number, ip=who.guesser, tls=True).ok
    assert len(stack.verified(who.number)) == LIMIT


def test_password_appears_nowhere(stack):
    """Neither right nor wrong ones, in what Lockstep keeps and says."""
    who = cast()
    secret = "v3ry-l0ng-and-w3ll-known"
    assert not stack.login("imap", who.number, secret, ip=who.guesser).ok
    kept = [stack.lockstep("events").stdout, stack.dovecot_log(),
            stack.postfix_log(), json.dumps(stack.webhooks())]
    with open(f"{stack.env['STATE_DIR']}/guard", "rb") as guard:
        kept.append(guard.read().decode(errors="replace"))
    for text in kept:
        assert secret not in text

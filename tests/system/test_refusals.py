"""What the refused get to read, and when."""

import base64
import functools
import os
import pathlib
import statistics
import tempfile
import time

import pytest

from lib import dovecot
from lib.attempts import attempt, guess, log_in, right_calls
from lib.cast import (GUESS_ACCOUNTS, IP_ACCOUNTS, IP_FAILURES, USERS, at_once,
                      cast, crowd, guesses, net_of, networks)
from lib.stack import Stack

READERS = ("imap", "pop3", "smtp")
FAILURE_SECONDS = 4  # auth_failure_delay of the slow stack


# ---- the text ------------------------------------------------------------


def lock_by_hand(kind):
    def lock(stack, auth, who):
        subject = {"ip": who.guesser, "net": net_of(who.guesser),
                   "user": who.user}[kind]
        assert stack.lockstep("lock", subject).returncode == 0
    return lock


def lock_place(stack, auth, who):
    assert log_in(auth, who, who.guesser)
    guess(auth, who, [who.guesser] * 25)


def lock_password(stack, auth, who):
    """The right one, which others tried elsewhere."""
    calls = [{"user": other.user, "password": who.password, "ip": ip}
             for other, ip in zip(crowd(GUESS_ACCOUNTS),
                                  networks(GUESS_ACCOUNTS))]
    assert not any(reply.ok for reply in attempt(auth, calls))


def freeze(stack, auth, who):
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0


REASONS = {"address": lock_by_hand("ip"), "network": lock_by_hand("net"),
           "account": lock_by_hand("user"), "place": lock_place,
           "password": lock_password, "freeze": freeze}


def read(stack, who, ip, password=None, connected=None):
    """{door: text}"""
    def ask(door):
        if door == "smtp" and connected:
            return stack.login_on(connected, who.number, password)
        return stack.login(door, who.number, password, ip=ip)

    answers = at_once(functools.partial(ask, door) for door in READERS)
    assert not any(answer.ok for answer in answers)
    assert {answer.stage for answer in answers} == {"login"}
    return {door: answer.text for door, answer in zip(READERS, answers)}


@pytest.mark.parametrize("reason", REASONS)
def test_refusal_reads_like_a_wrong_password(stack, auth, reason):
    who = cast()
    wrong = read(stack, cast(), *networks(1), *guesses(1))
    # Later the address may be turned away before any login.
    connected = stack.connect(who.guesser, keep=True)
    assert connected.ok
    REASONS[reason](stack, auth, who)
    before = len(stack.verified(who.number))
    assert read(stack, who, who.guesser, connected=connected) == wrong
    assert len(stack.verified(who.number)) == before


def test_frozen_owner_reads_why(stack, auth):
    """Where he is familiar, and there alone."""
    who = cast()
    assert log_in(auth, who, who.owner)
    wrong = read(stack, who, who.owner, *guesses(1))
    freeze(stack, auth, who)
    told = read(stack, who, who.owner)
    for door in READERS:
        assert told[door] != wrong[door]
        assert "administrator" in told[door]
    assert read(stack, who, who.stranger) == wrong


def test_policy_reveals_nothing_or_all():
    for reveal, tells in (("never", False), ("always", True)):
        with Stack(users=USERS, policy=f'reveal = "{reveal}"\n') as stack:
            who = cast()
            with stack.auth() as auth:
                assert log_in(auth, who, who.owner)
                wrong = read(stack, who, who.owner, *guesses(1))
                freeze(stack, auth, who)
            for ip in (who.owner, who.stranger):
                told = read(stack, who, ip)
                assert {told[door] != wrong[door] for door in READERS} == \
                    {tells}


# ---- the log -------------------------------------------------------------

LOGGED = {"address": "an administrator said so (admin of ip)",
          "network": "an administrator said so (admin of net)",
          "account": "an administrator said so (admin of user)",
          "place": "too many wrong passwords (failures of place)",
          "password": "failed logins to too many accounts (accounts of guess)",
          "freeze": "an administrator said so (admin of user)"}


@pytest.fixture(scope="module")
def laconic():
    """As Dovecot logs by default."""
    with Stack(users=USERS, dovecot=["auth_verbose = no"]) as running:
        yield running


@pytest.mark.parametrize("reason", REASONS)
def test_log_tells_the_reason(laconic, reason):
    """In words, and to whoever has not asked for more; and Dovecot does not say that
    somebody disabled the user."""
    who = cast()
    with laconic.auth() as auth:
        REASONS[reason](laconic, auth, who)
    for door in ("imap", "pop3"):
        assert not laconic.login(door, who.number, ip=who.guesser).ok
    for ip in {who.guesser, who.owner}:  # a frozen account's owner is told why
        assert not laconic.login("imap", who.number, ip=ip).ok or \
            reason not in ("account", "freeze")

    def lines(words):
        return [line for line in laconic.dovecot_log().splitlines()
                if f"({who.user},{who.guesser}," in line and words in line]
    laconic.poll(lambda: lines(f"refused: {LOGGED[reason]}"), what="the reason")
    laconic.poll(lambda: [line for line in laconic.dovecot_log().splitlines()
                          if f"user=<{who.user}>" in line], what="Dovecot's line")
    assert "user disabled" not in laconic.dovecot_log()


def test_a_flood_does_not_fill_the_log(laconic):
    who = cast()
    assert laconic.lockstep("lock", who.guesser).returncode == 0
    began = time.monotonic()
    with laconic.auth() as auth:
        guess(auth, who, [who.guesser] * 200)
    seconds = time.monotonic() - began

    def count():
        return laconic.dovecot_log().count(f"({who.user},{who.guesser}")
    # The test before may have had most of this second's lines.
    laconic.poll(count, what="a line of it")
    lines = count()
    assert lines <= 10 * (seconds + 2)
    assert lines < 200


# ---- the challenge -------------------------------------------------------


def scram_credentials(salt):
    return "{SCRAM-SHA-1}4096," + ",".join(
        base64.b64encode(part).decode()
        for part in (salt, bytes(20), bytes(20)))


def check_salts(names, passwd_file):
    with Stack(users=1, passwd_file=passwd_file) as stack, \
            stack.auth() as auth:
        def salt(name, ip):
            challenge = auth.challenge(auth.send(name, "no", ip=ip,
                                                 mech="SCRAM-SHA-1"))
            return challenge.decode().split(",", 1)[1]

        assert stack.lockstep("lock", "203.0.113.9").returncode == 0
        for name in names:
            assert salt(name, "203.0.113.9") != salt(name, "192.0.2.1")
            assert salt(name, "203.0.113.9") == salt(name, "192.0.2.1")


def test_salts_of_the_refused():
    """By SCRAM the refused are challenged as before, under an alias too."""
    names = {"user1@example.test": "", "alias1@example.test":
             "::::::user=user1@example.test"}
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(
            f"{name}:{scram_credentials(name[:16].encode())}{more}\n"
            for name, more in names.items()))
        file.flush()
        os.chmod(file.name, 0o644)
        check_salts(names, file.name)


# ---- refused by somebody else --------------------------------------------


def test_right_password_that_a_passdb_fails():
    """It is no guess, and nothing of it is kept."""
    with Stack(users=USERS) as stack:
        conf = pathlib.Path(stack.env["DOVECOT_CONF"])
        text = conf.read_text()
        stack.stop("dovecot")
        block = dovecot.syntax().passdb
        assert text.count(block("verified")) == 1
        conf.write_text(text.replace(
            block("verified"),
            block("verified", result_success="return-fail")))
        stack.start("dovecot")
        who = cast()
        with stack.auth() as auth:
            for _ in range(IP_FAILURES + 5):
                assert not log_in(auth, who, who.owner)
        assert {(e.get("outcome"), e.get("reason"))
                for e in stack.events("login")} == {("denied", None)}
        assert stack.locks() == []


# ---- the time ------------------------------------------------------------


def test_refusal_is_told_no_sooner():
    """Both go through Dovecot's failure delay, which counts whole seconds."""
    with Stack(users=USERS, dovecot=[
            f"auth_failure_delay = {FAILURE_SECONDS} secs"]) as stack:
        who = cast()
        assert stack.lockstep("lock", who.guesser).returncode == 0

        def seconds(ip, service):
            with stack.auth() as auth:
                began = time.monotonic()
                assert not log_in(auth, who, ip, *guesses(1), service=service)
                return time.monotonic() - began

        waits = at_once(functools.partial(seconds, ip, service)
                        for ip in (who.stranger, who.guesser)
                        for service in READERS)
        assert min(waits) > FAILURE_SECONDS - 1.5
        assert len(stack.verified(who.number)) == len(READERS)


@pytest.mark.parametrize("mech", ["PLAIN", "SCRAM-SHA-256"])
def test_refusal_takes_as_long_as_a_verification(mech):
    """Without any failure delay, too, and unverified: what the last wrong
    passwords took is what it takes. Dovecot tells failures each half second: a
    delay below that would not show in the waits."""
    with Stack(users=USERS) as stack, stack.auth() as auth:
        who, delay = cast(), 0.7
        assert stack.lockstep("lock", who.guesser).returncode == 0
        stack.passdb(delay_ms=int(delay * 1000))

        def seconds(ip):
            began = time.monotonic()
            assert not log_in(auth, who, ip, *guesses(1), mech=mech)
            return time.monotonic() - began

        wrong = [seconds(who.stranger)]  # by which the first is told
        refused = [seconds(who.guesser)]
        for _ in range(4):
            wrong.append(seconds(who.stranger))
            refused.append(seconds(who.guesser))
        assert min(wrong) > delay * 0.9
        assert min(refused) > delay * 0.9
        # A busy machine adds to both, now here and now there: least to the
        # quickest.
        assert abs(min(refused) - min(wrong)) < 0.1
        assert statistics.median(refused) < statistics.median(wrong) + delay
        assert len(stack.verified(who.number)) == len(wrong)


# ---- the ceiling ---------------------------------------------------------


def test_held_too_long(stack, auth, barrier):
    """The backend answers nobody, and all the room there is behind an address
    is taken by attempts in flight: who comes now is held, and told in the end
    that it is a temporary failure, on SMTP too."""
    people, late = crowd(IP_ACCOUNTS), crowd(len(READERS))
    office = people[0].owner
    stack.passdb(stall=True)
    try:
        ids = [auth.send(**call) for call in right_calls(people, office)]
        barrier(auth)
        answers = at_once(functools.partial(stack.login, door, who.number,
                                            ip=office)
                          for door, who in zip(READERS, late))
        texts = dict(zip(READERS, [answer.text for answer in answers]))
        assert "[UNAVAILABLE]" in texts["imap"], texts
        assert "[SYS/TEMP]" in texts["pop3"], texts
        assert texts["smtp"].startswith("454 "), texts
    finally:
        stack.passdb()
    assert all(auth.wait(i).ok for i in ids)
    for who in late:
        assert stack.verified(who.number) == []
        assert log_in(auth, who, office)

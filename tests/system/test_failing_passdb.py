"""A passdb that fails hides no guess at another one: what was compared and found wrong
counts, whatever failed beside it. What nobody compared does not."""

import collections
import contextlib
import json
import os
import pathlib
import re
import tempfile
import time

import pytest

from lib import dovecot
from lib.attempts import attempt, counter, guess, locked, log_in
from lib.cast import IP_FAILURES, PLACE_FAILURES, USERS, cast, guesses
from lib.stack import Stack

GUESSES = 40
MECHS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
MISSING = "/nonexistent/users"
NOBODY_LISTENS = ("127.0.0.1", "1")


def passwd_file(path, **settings):
    place = dovecot.either({"args": path}, {"passwd_file_path": path})
    return dovecot.syntax().passdb("passwd-file", **place, **settings)


def imap():
    """A backend that is down."""
    host, port = NOBODY_LISTENS
    return dovecot.syntax().passdb("imap", **dovecot.either(
        {"args": f"host={host} port={port}"},
        {"imapc_host": host, "imapc_port": port}))


CASES = {"another passdb fails": imap(),
         "a deny file is missing": passwd_file(MISSING, deny="yes")}
# How people know them.
NAMES = {"another passdb fails": "imap",
         "a deny file is missing": "passwd-file" +
         dovecot.either(f" {MISSING}", "")}
WORKER = dovecot.either({"args": "worker"}, {"use_worker": "yes"})


@contextlib.contextmanager
def servers(last, worker=False):
    """`last` comes behind the passdb that knows the accounts."""
    with Stack(users=USERS, dovecot=last.splitlines()) as stack:
        if worker:
            conf = pathlib.Path(stack.env["DOVECOT_CONF"])
            passdb = dovecot.syntax().passdb
            text = conf.read_text()
            assert passdb("verified") in text
            conf.write_text(text.replace(passdb("verified"),
                                         passdb("verified", **WORKER)))
            stack.stop("dovecot")
            stack.start("dovecot")
        with stack.auth() as auth:
            yield stack, auth


def logins(stack, user):
    return [e for e in stack.events("login") if e["user"] == user]


def outcomes(stack, user):
    return collections.Counter(e.get("outcome") for e in logins(stack, user))


def is_counted(stack, auth, mech):
    who, seen = cast(), counter(stack)
    guess(auth, who, [who.guesser] * GUESSES, mech=mech)
    assert len(seen(who.user)) == IP_FAILURES
    assert outcomes(stack, who.user)["wrong"] == IP_FAILURES
    assert ("ip", who.guesser) in locked(stack)
    assert log_in(auth, who, who.owner, mech=mech)
    assert not log_in(auth, who, who.guesser, mech=mech)
    return [e.get("failed_passdb") for e in logins(stack, who.user)
            if e.get("outcome") == "wrong"]


@pytest.mark.parametrize("case", CASES)
def test_guesses_count(case):
    with servers(CASES[case]) as (stack, auth):
        for mech in MECHS:
            failed = is_counted(stack, auth, mech)
            # The user's credentials are found before the broken one is asked. And
            # Dovecot looks for a file once in a second.
            seen = mech in ("PLAIN", "LOGIN")
            assert (NAMES[case] in failed) == seen
            if case == "another passdb fails" and seen:
                assert failed == [NAMES[case]] * IP_FAILURES
        out = stack.lockstep("events").stdout
        assert re.search(rf" wrong \(PLAIN\), passdb {NAMES[case]} failed$", out,
                         flags=re.M)
        out = stack.lockstep("status")
        assert out.returncode == 1
        assert re.search(rf"^problem +Dovecot: passdb {NAMES[case]} has failed \d+ "
                         "times", out.stdout, flags=re.M), out.stdout
        status = json.loads(stack.lockstep("status", "--json").stdout)
        failing, = status["wired"]["failing"]
        assert set(failing) == {"passdb", "fails", "times", "since", "last"}
        assert failing["passdb"] == NAMES[case] and failing["fails"]


def test_mended():
    """What is over is no problem any more."""
    with Stack(users=USERS) as stack, stack.auth() as auth:
        who = cast()
        stack.passdb(fail=True)
        guess(auth, who, [who.guesser] * IP_FAILURES)
        assert "passdb verified has failed" in stack.lockstep("status").stdout
        stack.passdb()
        stack.poll(lambda: log_in(auth, who, who.owner) and
                   stack.lockstep("status").returncode == 0,
                   what="all is well")


@pytest.mark.parametrize("case", CASES)
def test_guesses_count_that_a_worker_compares(case):
    with servers(CASES[case], worker=True) as (stack, auth):
        is_counted(stack, auth, "PLAIN")
        # What a worker's passdb fails at is told, too.
        stack.passdb(fail=True)
        who = cast()
        guess(auth, who, [who.guesser] * 2 * IP_FAILURES)
        assert outcomes(stack, who.user) == {"internal": 2 * IP_FAILURES}
        assert logins(stack, who.user)[0]["failed_passdb"] == "verified"


def test_what_nobody_compared_is_given_back():
    """The broken passdb may be the one that has the user."""
    with servers(CASES["another passdb fails"]) as (stack, auth):
        who = cast()
        # 2.4 answers a failure 2 s later: no more than can wait for so long.
        names = [f"nobody{i}@example.test" for i in range(2 * IP_FAILURES)]
        replies = attempt(auth, [{"user": name, "password": "x",
                                  "ip": who.guesser} for name in names])
        assert not any(reply.ok for reply in replies)
        for name in names:
            assert outcomes(stack, name) == {"internal": 1}
        assert log_in(auth, who, who.guesser)


# Passwords that CRAM-MD5 cannot be verified against: of a scheme that Dovecot does not
# know, and of one that serves other mechanisms ("secret", by `doveadm pw`).
NO_CREDENTIALS = {
    "unknown": "{NOSUCH}secret",
    "hashed": "{SHA512-CRYPT}$6$4s5AaBgnH9SYMwK3$x6E82C4SvnU/16a9esvLP/Gr60t"
              "V4FRuJJAwnKWqhZ8fimjIxZU.0dNLYUPobJuTXf9iJPw9bKSo/3dR0zV960"}


@pytest.fixture(scope="module")
def schemes():
    """Each account of those, and one with a password in plain text."""
    with tempfile.NamedTemporaryFile("w") as file:
        for name, stored in (*NO_CREDENTIALS.items(), ("well", "{PLAIN}secret")):
            file.write(f"{name}@example.test:{stored}\n")
        file.flush()
        os.chmod(file.name, 0o644)
        with Stack(passwd_file=file.name) as stack, stack.auth() as auth:
            yield stack, auth


@pytest.mark.parametrize("name", NO_CREDENTIALS)
def test_credentials_that_are_no_such(schemes, name):
    """Nothing was compared, so nothing was guessed: no meter holds a failure, and the
    address can be used."""
    stack, auth = schemes
    user, who = f"{name}@example.test", cast()
    replies = attempt(auth, [
        {"user": user, "password": word, "ip": who.guesser, "mech": "CRAM-MD5"}
        for word in guesses(2 * IP_FAILURES)])
    assert not any(reply.ok for reply in replies)
    assert outcomes(stack, user) == {"internal": len(replies)}
    for subject in (user, who.guesser):
        said = stack.lockstep("explain", subject).stdout
        levels = re.findall(r"^\w+ failures\S* +(\d+) ", said, re.M)
        assert levels and set(levels) == {"0"}, said
    assert auth.login("well@example.test", "secret", ip=who.guesser).ok


@pytest.mark.parametrize("door", ["imap", "pop3", "smtp"])
def test_no_credentials_read_like_a_wrong_password(schemes, door):
    """In text and time: a client does not see whose password is stored how, nor
    whether there is such an account."""
    stack, _ = schemes
    texts, times = set(), {}
    for name in ("hashed", "well", "nobody"):
        took = []
        for ip in (cast().guesser for _ in range(3)):
            began = time.monotonic()
            answer = stack.login(door, f"{name}@example.test", "wrong",
                                 mech="CRAM-MD5", ip=ip)
            took.append(time.monotonic() - began)
            assert answer.stage == "login"
            texts.add(answer.text)
        times[name] = sorted(took)[1]
    assert len(texts) == 1
    # Failures are answered each half second, which the first one meets somewhere.
    assert max(times.values()) - min(times.values()) < 0.25, times


def test_a_phone_is_charged_once():
    """While a passdb is down its users' right passwords are wrong to the others."""
    with servers(CASES["another passdb fails"]) as (stack, auth):
        who = cast()
        assert log_in(auth, who, who.owner)
        for _ in range(2):
            replies = attempt(auth, [{"user": who.user, "password": "at the other",
                                      "ip": who.owner}] * PLACE_FAILURES * 2)
            assert not any(reply.ok for reply in replies)
        assert locked(stack) == set()
        assert log_in(auth, who, who.owner)


def test_a_deny_file_behind_hides_no_guess():
    """It has the account, and says so of a wrong password alone."""
    who = cast()
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{who.user}\n")
        file.flush()
        pathlib.Path(file.name).chmod(0o644)
        with servers(passwd_file(file.name, deny="yes")) as (stack, auth):
            seen = counter(stack)
            guess(auth, who, [who.guesser] * GUESSES)
            assert len(seen(who.user)) == IP_FAILURES
            assert ("ip", who.guesser) in locked(stack)
            assert "problem" not in stack.lockstep("status").stdout

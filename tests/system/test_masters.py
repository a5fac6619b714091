"""Master users log in as somebody else, with their own password: it is their name
that is guarded, by a Lockstep that stands first among the master passdbs."""

import functools
import pathlib
import re

import pytest

from lib import dovecot
from lib.attempts import attempt, counter, guess, guess_calls, locked, log_in
from lib.cast import (IP_ACCOUNTS, IP_FAILURES, USER_FAILURES, USERS, at_once,
                      cast, crowd, guesses, networks)
from lib.clients import DOORS
from lib.stack import Stack

GUESSES = 100


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, masters=True) as running:
        yield running


def name(target, master):
    return f"{target.user}*{master.master}"


def password(master):
    return f"master-{master.number}"


def as_master(auth, target, master, ip, **how):
    return auth.login(name(target, master), password(master), ip=ip, **how).ok


def guess_at(auth, targets, master, addresses):
    names = [name(target, master) for target in targets]
    replies = attempt(auth, guess_calls(names, addresses))
    assert not any(reply.ok for reply in replies)


def test_passdbs_are_in_order(stack):
    """As in the file that administrators copy."""
    text = stack.run("doveconf", "-c", stack.env["DOVECOT_CONF"],
                     "passdb").stdout

    def value(block, key, default):
        found = re.search(rf"^\s+{key} = (\S+)$", block, re.M)
        return found[1] if found else default

    # 2.4 prints no defaults, and a block's name is one.
    blocks = re.findall(r"^passdb (\S*) ?\{\n(.*?)^\}", text, re.M | re.S)
    assert [(value(block, "driver", name), value(block, "master", "no"))
            for name, block in blocks] == [
        ("lockstep", "yes"), ("verified", "yes"),
        ("lockstep", "no"), ("verified", "no")]


def test_guesses_from_one_address(stack, auth):
    target, master, other = cast(), cast(), cast()
    ip = target.guesser
    seen = counter(stack)
    guess_at(auth, [target] * GUESSES, master, [ip] * GUESSES)
    assert [v.user for v in seen()] == [master.master] * IP_FAILURES
    assert ("ip", ip) in locked(stack)

    assert not as_master(auth, target, master, ip)
    assert not as_master(auth, target, other, ip)
    assert not log_in(auth, target, ip)
    assert len(seen()) == IP_FAILURES
    # Away from there everything works, and of the target nothing was used up.
    assert as_master(auth, target, master, *networks(1))
    before = len(seen(target.user))
    guess(auth, target, networks(USER_FAILURES + 5))
    assert len(seen(target.user)) - before == USER_FAILURES


def test_guesses_from_many_networks(stack, auth):
    """At many targets, too: the account that is guessed at is the master's."""
    targets, master = crowd(GUESSES), cast()
    assert as_master(auth, targets[0], master, master.owner)
    seen = counter(stack)
    guess_at(auth, targets, master, networks(GUESSES))
    assert [v.user for v in seen()] == [master.master] * USER_FAILURES
    assert ("user", master.master) in locked(stack)
    assert not as_master(auth, targets[0], master, *networks(1))
    assert as_master(auth, targets[0], master, master.owner)
    assert log_in(auth, targets[0], *networks(1))


def test_a_master_is_one_account(stack, auth):
    """More targets than accounts may fail: the failures count. But guessing at
    masters is spraying."""
    targets, master = crowd(GUESSES), cast()
    seen = counter(stack)
    guess_at(auth, targets, master, [master.guesser] * GUESSES)
    assert len(seen()) == IP_FAILURES
    names = [name(targets[0], target) for target in targets]
    replies = attempt(auth, guess_calls(names, [targets[0].guesser] * GUESSES))
    assert not any(reply.ok for reply in replies)
    assert len(seen()) - IP_FAILURES == IP_ACCOUNTS


def test_at_the_doors(stack):
    """Postfix turns away whoever connects once the address is locked, so the
    last guesses are at another door."""
    target, master = cast(), cast()
    ip, seen = target.guesser, counter(stack)
    for doors in (("imap", "pop3", "smtp"), ("imap",)):
        answers = at_once(functools.partial(
            DOORS[doors[i % len(doors)]], stack.env, name(target, master),
            word, ip=ip) for i, word in enumerate(guesses(2 * IP_FAILURES)))
        assert not any(answer.ok for answer in answers)
    assert [v.user for v in seen()] == [master.master] * IP_FAILURES
    for door in DOORS:
        assert not DOORS[door](stack.env, name(target, master),
                               password(master), ip=ip).ok
    assert len(seen()) == IP_FAILURES
    for door in DOORS:
        assert DOORS[door](stack.env, name(target, master), password(master),
                           ip=master.owner).ok


def test_target_is_not_familiar_where_the_master_is(stack, auth):
    target, master = cast(), cast()
    assert as_master(auth, target, master, master.owner)
    assert stack.lockstep("lock", target.user).returncode == 0
    assert not log_in(auth, target, master.owner)
    # A lock on the account is for strangers who guess at it; the master is no
    # such stranger.
    assert as_master(auth, target, master, master.owner)
    assert as_master(auth, target, master, *networks(1))


def test_master_is_not_an_alias_of_the_target(stack, auth):
    """Dovecot changes the name on the way, as for an alias."""
    target, another, master = cast(), cast(), cast()
    assert as_master(auth, target, master, master.owner)
    assert stack.lockstep("freeze", target.user, "--for",
                          "1h").returncode == 0
    assert as_master(auth, another, master, master.owner)
    assert as_master(auth, another, master, *networks(1))


def test_a_master_opens_any_number_of_mailboxes():
    """These are no logins of the master's own, nor of the accounts; and are limited
    where a limit of theirs is set."""
    few, many = 20, 50
    target, other, master, limited = cast(), cast(), cast(), cast()
    policy = (f'limit user {{ logins = "{few}/30d" }}\n'
              f'override user "{limited.master}" {{ user {{ '
              f'master-logins = "{few}/30d" }} }}\n')
    with Stack(users=USERS, masters=True, policy=policy) as stack, \
            stack.auth() as auth:
        def succeed(who, count):
            """Familiar first: of strangers no more than failures are in flight."""
            assert as_master(auth, target, who, who.owner)
            return 1 + sum(as_master(auth, target, who, who.owner)
                           for _ in range(count - 1))

        assert succeed(master, many) == many
        assert succeed(limited, many) == few
        assert sum(log_in(auth, target, target.owner)
                   for _ in range(many)) == few
        assert as_master(auth, target, master, master.owner)
        assert log_in(auth, other, other.owner)


def test_freeze_of_the_target(stack, auth):
    target, master = cast(), cast()
    assert as_master(auth, target, master, master.owner)
    assert stack.lockstep("freeze", target.user, "--for",
                          "1h").returncode == 0
    assert not as_master(auth, target, master, master.owner)
    assert not as_master(auth, target, master, *networks(1))
    assert stack.lockstep("release", target.user).returncode == 0
    assert as_master(auth, target, master, master.owner)


def test_freeze_of_a_target_by_another_name(stack, auth):
    """An alias that its owner never used."""
    target, master = cast(), cast()
    name_of_alias = f"{target.alias}*{master.master}"

    def logs_in():
        return auth.login(name_of_alias, password(master), ip=master.owner).ok

    assert logs_in()
    assert stack.lockstep("freeze", target.user, "--for",
                          "1h").returncode == 0
    assert not logs_in()
    assert stack.lockstep("release", target.user).returncode == 0
    assert logs_in()


def test_freeze_of_the_target_without_a_second_pass():
    """Where the passdb of masters has no `pass = yes` (2.4: result_success =
    continue), nobody looks for the target among the others' passdbs."""
    line = dovecot.either("  pass = yes\n", "  result_success = continue\n")
    with Stack(users=USERS, masters=True) as stack:
        conf = pathlib.Path(stack.env["DOVECOT_CONF"])
        text = conf.read_text()
        assert text.count(line) == 1
        conf.write_text(text.replace(line, ""))
        stack.stop("dovecot")
        stack.start("dovecot")
        target, master = cast(), cast()
        with stack.auth() as auth:
            assert as_master(auth, target, master, master.owner)
            assert stack.lockstep("freeze", target.user, "--for",
                                  "1h").returncode == 0
            assert not as_master(auth, target, master, master.owner)
            assert stack.lockstep("release", target.user).returncode == 0
            assert as_master(auth, target, master, master.owner)


def test_freeze_of_the_master(stack, auth):
    target, master, other = cast(), cast(), cast()
    assert as_master(auth, target, master, master.owner)
    seen = counter(stack)
    assert stack.lockstep("freeze", master.master, "--for",
                          "1h").returncode == 0
    assert not as_master(auth, target, master, master.owner)
    assert seen() == []
    assert as_master(auth, target, other, master.owner)
    assert log_in(auth, target, target.owner)
    assert stack.lockstep("release", master.master).returncode == 0
    assert as_master(auth, target, master, master.owner)


def test_journal_names_the_master(stack, auth):
    target, master = cast(), cast()
    guess_at(auth, [target], master, [master.guesser])
    assert as_master(auth, target, master, master.owner)

    records = [(e["outcome"], e["address"]) for e in stack.events("login")
               if e["user"] == master.master]
    assert records == [("wrong", master.guesser), ("success", master.owner)]
    assert target.user not in [e.get("user") for e in stack.events("login")]

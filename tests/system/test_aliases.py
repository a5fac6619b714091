"""However an account's name is spelled, and whatever other name a passdb knows
for it, it is one account at every door."""

import functools

import pytest

from lib import dovecot
from lib.attempts import (attempt, counter, guess, guess_calls, locked, log_in,
                          open_doors)
from lib.cast import IP_FAILURES, USER_FAILURES, USERS, at_once, cast, networks
from lib.clients import DOORS
from lib.stack import Stack

SETTINGS = dovecot.either(
    old=["auth_username_format = %Lu", "auth_default_realm = example.test"],
    new=["auth_username_format = %{user | lower}",
         "auth_default_domain = example.test"])
SPELLINGS = {
    "as it is": "user{0}@example.test",
    "shouted": "USER{0}@EXAMPLE.TEST",
    "in a sentence": "User{0}@Example.Test",
    "without a domain": "user{0}",
    "shouted, without a domain": "USER{0}",
}
SERVICES = ("imap", "pop3", "smtp")


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, dovecot=SETTINGS) as running:
        yield running


def spelled(who, spelling):
    return SPELLINGS[spelling].format(who.number)


def try_names(auth, names, addresses):
    """A wrong password each, on one service after the other."""
    calls = [call | {"service": SERVICES[i % 3]}
             for i, call in enumerate(guess_calls(names, addresses))]
    assert not any(reply.ok for reply in attempt(auth, calls))


def open_to_name(stack, name, who, ip):
    answers = at_once(functools.partial(DOORS[door], stack.env, name,
                                        who.password, ip=ip) for door in DOORS)
    return {door for door, answer in zip(DOORS, answers) if answer.ok}


# ---- spellings -----------------------------------------------------------


def test_spellings_share_the_accounts_limit(stack, auth):
    who = cast()
    names = [spelled(who, spelling) for spelling in SPELLINGS] * 10
    seen = counter(stack)
    try_names(auth, names, networks(len(names)))
    assert [v.user for v in seen()] == [who.user] * USER_FAILURES
    for name in names[:len(SPELLINGS)]:
        assert open_to_name(stack, name, who, *networks(1)) == set()
    assert len(seen()) == USER_FAILURES


def test_spellings_are_one_account_for_the_address(stack, auth):
    """Not as many as there are spellings."""
    who = cast()
    names = [spelled(who, spelling) for spelling in SPELLINGS] * 4
    seen = counter(stack)
    try_names(auth, names, [who.guesser] * len(names))
    assert len(seen()) == IP_FAILURES


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_familiar_under_every_spelling(stack, auth, spelling):
    who = cast()
    assert auth.login(spelled(who, spelling), who.password, ip=who.owner).ok
    assert stack.lockstep("lock", who.user).returncode == 0
    for other in SPELLINGS:
        name = spelled(who, other)
        assert open_to_name(stack, name, who, who.owner) == set(DOORS)
        assert not auth.login(name, who.password, ip=who.stranger).ok


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_frozen_under_every_spelling(stack, auth, spelling):
    who = cast()
    assert log_in(auth, who, who.owner)
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    name = spelled(who, spelling)
    for ip in (who.owner, who.stranger):
        assert open_to_name(stack, name, who, ip) == set()
    assert stack.lockstep("release", who.user).returncode == 0
    assert open_to_name(stack, name, who, who.owner) == set(DOORS)


# ---- another name that a passdb knows ------------------------------------


def knows_alias(auth, who):
    """A success by that name teaches whose it is."""
    return auth.login(who.alias, who.password, ip=who.owner).ok


@pytest.mark.parametrize("first", ["alias", "user"])
def test_alias_shares_the_accounts_limit(stack, auth, first):
    who = cast()
    assert knows_alias(auth, who)
    seen = counter(stack)
    names = [who.alias, who.user]
    if first == "user":
        names.reverse()
    for name in names:
        try_names(auth, [name] * 15, networks(15))
    assert [v.user for v in seen()] == \
        [names[0]] * 15 + [names[1]] * (USER_FAILURES - 15)
    assert ("user", who.user) in locked(stack)
    for name in names:
        assert open_to_name(stack, name, who, *networks(1)) == set()
        assert open_to_name(stack, name, who, who.owner) == set(DOORS)


def test_lock_of_the_account_holds_for_the_alias(stack, auth):
    who = cast()
    assert knows_alias(auth, who)
    assert stack.lockstep("lock", who.user).returncode == 0
    for name in (who.alias, who.user):
        assert not auth.login(name, who.password, ip=who.stranger).ok
        assert auth.login(name, who.password, ip=who.owner).ok
    assert stack.lockstep("unlock", who.user).returncode == 0
    for name in (who.alias, who.user):
        assert auth.login(name, who.password, ip=who.stranger).ok


def test_freeze_of_the_account_holds_for_the_alias(stack, auth):
    """At every door, for familiar places too, who read why."""
    who = cast()
    assert knows_alias(auth, who)
    wrong = DOORS["imap"](stack.env, who.alias, "no", ip=who.owner).text
    assert stack.lockstep("freeze", who.user, "--for", "1h", "--reason",
                          "sold").returncode == 0
    seen = counter(stack)
    for name in (who.alias, who.user):
        for ip in (who.owner, who.stranger):
            assert open_to_name(stack, name, who, ip) == set()
        answer = DOORS["imap"](stack.env, name, who.password, ip=who.owner)
        assert not answer.ok and answer.text != wrong
        answer = DOORS["imap"](stack.env, name, who.password, ip=who.stranger)
        assert answer.text == wrong
    assert seen() == []
    assert stack.lockstep("release", who.user).returncode == 0
    for name in (who.alias, who.user):
        assert open_to_name(stack, name, who, who.owner) == set(DOORS)


@pytest.mark.parametrize("verb", ["freeze", "lock"])
def test_order_for_an_alias_is_told_to_be_one(stack, auth, verb):
    who = cast()
    for known in (False, True):
        if known:
            assert knows_alias(auth, who)
        out = stack.lockstep(verb, who.alias)
        assert out.returncode == 0
        told = known * (
            f"lockstep: {who.alias} is another name of {who.user}, which this "
            "leaves as it is\n")
        unknown = f"lockstep: {who.alias}: nobody ever logged in by that name"
        assert out.stderr == told if known else out.stderr.startswith(unknown)
        assert stack.lockstep("release" if verb == "freeze" else "unlock",
                              who.alias).stderr == told
    assert log_in(auth, who, who.stranger)


def test_freeze_holds_for_an_alias_nobody_used_yet(stack, auth):
    """Whose it is becomes known only when the password was right: that is soon
    enough."""
    who = cast()
    assert log_in(auth, who, who.owner)
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    for ip in (who.owner, who.stranger):
        assert open_to_name(stack, who.alias, who, ip) == set()
    assert stack.lockstep("release", who.user).returncode == 0
    assert open_to_name(stack, who.alias, who, who.owner) == set(DOORS)


@pytest.mark.parametrize("mech", ["CRAM-MD5", "SCRAM-SHA-256"])
def test_frozen_under_such_an_alias_the_owner_guesses_nothing(stack, auth, mech):
    """His phone goes on asking, without a password that could be compared."""
    who = cast()
    assert log_in(auth, who, who.owner)
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    for _ in range(IP_FAILURES + 5):
        assert not auth.login(who.alias, who.password, ip=who.owner,
                              mech=mech).ok
    assert {e.get("outcome") for e in stack.events("login")
            if e["user"] == who.alias} == {"denied"}
    assert ("ip", who.owner) not in locked(stack)
    assert stack.lockstep("release", who.user).returncode == 0
    assert auth.login(who.alias, who.password, ip=who.owner, mech=mech).ok


def test_familiar_by_the_alias_is_familiar(stack, auth):
    """And by the name, for the alias."""
    for teacher in ("alias", "user"):
        who = cast()
        assert knows_alias(auth, who)
        assert auth.login(getattr(who, teacher), who.password, ip=who.at(3)).ok
        guess(auth, who, networks(USER_FAILURES + 5))
        assert ("user", who.user) in locked(stack)
        assert open_doors(stack, who, who.at(3)) == set(DOORS)
        assert open_to_name(stack, who.alias, who, who.at(3)) == set(DOORS)


def test_alias_that_nobody_used_yet(stack, auth):
    """What name it is another one for is known only to the passdb: it has the
    limits of a name of its own until then."""
    who = cast()
    seen = counter(stack)
    try_names(auth, [who.alias] * (USER_FAILURES + 5),
              networks(USER_FAILURES + 5))
    assert [v.user for v in seen()] == [who.alias] * USER_FAILURES
    assert log_in(auth, who, who.owner)

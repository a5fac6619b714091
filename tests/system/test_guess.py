"""One wrong password on many accounts, each time from somewhere else: no address,
no network and no account has more than one failure, and still it ends."""

import pathlib

import pytest

from lib.attempts import (attempt, counter, denied, guess, locked, log_in,
                          open_doors)
from lib.cast import (GUESS_ACCOUNTS, USERS, cast, crowd, guesses, networks,
                      networks6)
from lib.clients import DOORS
from lib.stack import Stack

ACCOUNTS = 300


def calls(victims, addresses, word, **how):
    return [{"user": victim.user, "password": word, "ip": ip, **how}
            for victim, ip in zip(victims, addresses)]


def spray(auth, victims, addresses, word, **how):
    replies = attempt(auth, calls(victims, addresses, word, **how))
    assert not any(reply.ok for reply in replies)


def test_botnet(stack, auth):
    """The password is somebody's: the owner does not notice."""
    owner, victims = cast(), crowd(ACCOUNTS)
    assert log_in(auth, owner, owner.owner)
    seen, before = counter(stack), denied(stack)
    spray(auth, victims, networks(ACCOUNTS), owner.password)
    assert len(seen()) == len({v.user for v in seen()}) == GUESS_ACCOUNTS
    assert denied(stack) - before == ACCOUNTS - GUESS_ACCOUNTS

    # It is refused to strangers at every door, its owner's account included,
    # and nothing else is refused to them.
    there, elsewhere = networks(2)
    assert open_doors(stack, owner, there) == set()
    assert len(seen()) == GUESS_ACCOUNTS
    assert open_doors(stack, owner, owner.owner) == set(DOORS)
    assert open_doors(stack, victims[0], elsewhere) == set(DOORS)
    kinds = {kind for kind, subject in locked(stack)
             if kind != "guess" and subject in
             [name for v in victims for name in (v.user, v.guesser)]}
    assert kinds == set()
    refused = [e for e in stack.events("login")
               if e["user"] in {v.user for v in victims}
               and e["verdict"] == "deny"]
    # Of one password that is refused the journal has fifty, and a count.
    assert 50 <= len(refused) <= 60
    assert {(e["kind"], e["reason"]) for e in refused} == {
        ("guess", "accounts")}


def test_one_after_the_other(stack, auth):
    victims, (word,) = crowd(GUESS_ACCOUNTS + 4), guesses(1)
    seen = counter(stack)
    for victim, ip in zip(victims, networks(len(victims))):
        assert not log_in(auth, victim, ip, word)
    assert [v.user for v in seen()] == \
        [v.user for v in victims[:GUESS_ACCOUNTS]]


def test_services_mechanisms_and_families_together(stack, auth):
    """PLAIN and LOGIN show the same password."""
    victims, (word,) = crowd(40), guesses(1)
    addresses = networks(20) + networks6(20)
    seen = counter(stack)
    ids = [auth.send(**call, service=("imap", "pop3", "smtp")[i % 3],
                     mech=("PLAIN", "LOGIN")[i % 2])
           for i, call in enumerate(calls(victims, addresses, word))]
    assert not any(auth.wait(i).ok for i in ids)
    assert len(seen()) == GUESS_ACCOUNTS


def test_an_account_is_one_however_often(stack, auth):
    """The same account from everywhere, then others."""
    first, victims, (word,) = cast(), crowd(20), guesses(1)
    seen = counter(stack)
    spray(auth, [first] * 15, networks(15), word)
    assert len(seen()) == 15
    spray(auth, victims, networks(20), word)
    assert len(seen()) - 15 == GUESS_ACCOUNTS - 1


def test_familiar_places_do_not_count(stack, auth):
    """A department types the old group password, each at a desk of his own."""
    people, (word,) = crowd(GUESS_ACCOUNTS + 5), guesses(1)
    homes = networks(len(people))
    for who, home in zip(people, homes):
        assert log_in(auth, who, home)
    seen = counter(stack)
    spray(auth, people, homes, word)
    assert len(seen()) == len(people)
    victims = crowd(GUESS_ACCOUNTS + 3)
    spray(auth, victims, networks(len(victims)), word)
    assert len(seen()) - len(people) == GUESS_ACCOUNTS


@pytest.mark.parametrize("mech", ["PLAIN", "LOGIN"])
def test_invented_names_lock_no_password(stack, auth, mech):
    """Nobody has these names, and the passdb says so: the password stays its
    owner's, at a place that is new to him, too."""
    owner = cast()
    names = [f"nobody{owner.number}-{i}@example.test"
             for i in range(3 * GUESS_ACCOUNTS)]
    seen = counter(stack)
    replies = attempt(auth, [
        {"user": name, "password": owner.password, "ip": ip, "mech": mech}
        for name, ip in zip(names, networks(len(names)))])
    assert not any(reply.ok for reply in replies)
    assert len(seen()) == len(names)
    assert log_in(auth, owner, *networks(1), mech=mech)
    records = [e for e in stack.events("login") if e["user"] in names]
    assert {(e["verdict"], e["outcome"]) for e in records} == {
        ("admit", "unknown-user")}
    assert len(records) == len(names)

    # Whoever asks reads the same of a name that nobody has as of a wrong password.
    (word,), (here, there) = guesses(1), networks(2)
    unknown = auth.login(names[0], word, ip=here, mech=mech)
    wrong = auth.login(owner.user, word, ip=there, mech=mech)
    assert {**unknown.fields, "user": ""} == {**wrong.fields, "user": ""}


def test_many_different_ones_are_free(stack, auth):
    victims = crowd(60)
    seen = counter(stack)
    guess(auth, victims, networks(60))
    assert len(seen()) == 60


@pytest.mark.parametrize("mech", ["CRAM-MD5", "SCRAM-SHA-256"])
def test_password_that_is_not_seen(stack, auth, mech):
    victims, (word,) = crowd(GUESS_ACCOUNTS + 5), guesses(1)
    seen = counter(stack)
    spray(auth, victims, networks(len(victims)), word, mech=mech)
    assert len(seen()) == len(victims)


def test_right_passwords_are_no_guesses(stack, auth):
    """However often, and wherever: nothing is known of them."""
    def locked_guesses():
        return sum(lock["kind"] == "guess" for lock in stack.locks())

    before, who = locked_guesses(), cast()
    for ip in networks(3 * GUESS_ACCOUNTS):
        assert log_in(auth, who, ip)
    assert locked_guesses() == before


def test_never_outside_of_the_map(stack, auth):
    """Neither the password, nor anything under which to look for it."""
    victims, word = crowd(GUESS_ACCOUNTS + 2), "w3ll-known-to-everybody"
    spray(auth, victims, networks(len(victims)), word)
    texts = [stack.lockstep("events", "--json").stdout,
             stack.lockstep("list", "--json").stdout, stack.dovecot_log(),
             str(stack.webhooks())]
    guard = pathlib.Path(stack.env["STATE_DIR"]) / "guard"
    texts.append(guard.read_bytes().decode(errors="replace"))
    assert not [text[:80] for text in texts if word in text]


def test_outlives_the_auth_process():
    """The secret that guesses are known by is kept, and so is the lock."""
    with Stack(users=USERS) as stack:
        victims, (word,) = crowd(GUESS_ACCOUNTS + 4), guesses(1)
        addresses = networks(len(victims))
        half = GUESS_ACCOUNTS // 2
        with stack.auth() as auth:
            spray(auth, victims[:half], addresses, word)
        stack.stop("dovecot")
        stack.start("dovecot")
        with stack.auth() as auth:
            spray(auth, victims[half:], addresses[half:], word)
            assert len(stack.verified()) == GUESS_ACCOUNTS
        stack.stop("dovecot")
        stack.start("dovecot")
        with stack.auth() as auth:
            assert not log_in(auth, cast(), *networks(1), word)
        assert len(stack.verified()) == GUESS_ACCOUNTS

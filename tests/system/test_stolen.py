"""A password that somebody guessed, bought or fished: it is right, so it is let in,
and the administrator hears of it; but the thief gets no place of his own."""

import time

import pytest

from lib.attempts import guess, locked, log_in, named, open_doors, tick
from lib.cast import (IP_FAILURES, USER_FAILURES, USER_PLACES, USERS, cast,
                      crowd, net_of, networks)
from lib.clients import DOORS
from lib.stack import Stack

HALF = USER_FAILURES // 2  # of the account's meter
HALF_IP = IP_FAILURES // 2  # of an address's: from there it is suspicious then


def suspicions(stack, who):
    return [e for e in stack.events("suspicious") if named(e) == who.user]


def guess_half(auth, who, thief):
    """Half of what is allowed, the thief's address as much as it needs to be known
    for it."""
    guess(auth, who, networks(HALF - HALF_IP) + [thief] * HALF_IP)


def lock_by_guessing(stack, auth, who):
    guess(auth, who, networks(2 * USER_FAILURES))
    assert ("user", who.user) in locked(stack)


def is_familiar(stack, auth, who, ip):
    """Whoever is goes on when the account is locked for strangers. Locks it by
    hand, and unlocks."""
    assert stack.lockstep("lock", who.user).returncode == 0
    familiar = log_in(auth, who, ip)
    assert stack.lockstep("unlock", who.user).returncode == 0
    return familiar


def learn(stack, who, ip, days, directory):
    """Its owner logged in from there so many days ago, and not since."""
    then = time.strftime("%b %d %H:%M:%S",
                         time.localtime(time.time() - days * 86400))
    log = directory / "dovecot.log"
    log.write_text(f"{then} imap-login: Info: Login: user=<{who.user}>, "
                   f"method=PLAIN, rip={ip}, lip=127.0.0.1, mpid=1, TLS, "
                   "session=<x>\n")
    out = stack.lockstep("learn", log)
    assert out.stdout.startswith("1 place of 1 account "), out


@pytest.fixture
def robbed(stack, auth):
    """(owner, thief's address): the owner is at home, the thief and others guessed
    half of what is allowed, and then he logged in."""
    who = cast()
    thief, = networks(1)
    assert log_in(auth, who, who.owner)
    tick()
    guess_half(auth, who, thief)
    assert log_in(auth, who, thief)
    return who, thief


# ---- suspicion -----------------------------------------------------------


def test_success_after_guessing_is_suspicious(stack, robbed):
    who, thief = robbed
    event, = suspicions(stack, who)
    assert event["address"] == thief


def test_success_after_little_guessing_is_not(stack, auth):
    """The owner on holiday, who mistypes, or others who did."""
    who = cast()
    place, = networks(1)
    assert log_in(auth, who, who.owner)
    guess(auth, who, networks(HALF - 1))
    assert log_in(auth, who, place)
    assert suspicions(stack, who) == []
    assert is_familiar(stack, auth, who, place)


def test_a_siege_does_not_make_its_owner_suspicious(stack, auth):
    """All that strangers may guess in an hour, and then he is on a journey: it takes
    more than that, or a login from where guesses come from."""
    who = cast()
    place, = networks(1)
    assert log_in(auth, who, who.owner)
    guess(auth, who, networks(USER_FAILURES - 1))
    assert log_in(auth, who, place)
    assert suspicions(stack, who) == []
    assert is_familiar(stack, auth, who, place)


def test_owner_at_home_is_not_suspicious(stack, auth):
    who = cast()
    assert log_in(auth, who, who.owner)
    lock_by_guessing(stack, auth, who)
    assert open_doors(stack, who, who.owner) == set(DOORS)
    assert suspicions(stack, who) == []


def test_alarm_reaches_the_webhook():
    """Of a stack that asks for it, in the administrator's own webhook."""
    with Stack(users=USERS) as stack:
        conf = stack.layout().lockstep_conf
        text = conf.read_text()
        assert 'events = { "lock", "unlock" }' in text
        conf.write_text(text.replace('{ "lock", "unlock" }',
                                     '{ "suspicious" }'))
        assert stack.lockstep("compile", "-o", stack.env["POLICY"],
                              conf).returncode == 0
        daemon_log = stack.layout().lockstepd_log
        stack.poll(lambda: "new policy in force" in daemon_log.read_text(),
                   what="lockstepd's notice of it")
        who = cast()
        with stack.auth() as auth:
            thief, = networks(1)
            guess_half(auth, who, thief)
            assert log_in(auth, who, thief)
        stack.poll(lambda: any('"suspicious"' in request["body"] and
                               who.user in request["body"]
                               for request in stack.webhooks()),
                   what="the message")


# ---- probation -----------------------------------------------------------


def test_thief_is_not_familiar(stack, auth, robbed):
    who, thief = robbed
    assert open_doors(stack, who, thief) == set(DOORS)
    lock_by_guessing(stack, auth, who)
    assert open_doors(stack, who, thief) == set()
    assert open_doors(stack, who, who.owner) == set(DOORS)


def test_nobody_becomes_familiar_meanwhile(stack, auth, robbed):
    """Whoever comes, from wherever, and however often."""
    who, thief = robbed
    places = [thief, *networks(3)]
    for place in places * 2:
        assert log_in(auth, who, place)
    for place in places:
        assert not is_familiar(stack, auth, who, place)
    assert is_familiar(stack, auth, who, who.owner)


def test_others_are_not_on_probation(stack, auth, robbed):
    """The thief's address is no worse for it, as an office's may be."""
    _, thief = robbed
    neighbour = cast()
    assert log_in(auth, neighbour, thief)
    assert is_familiar(stack, auth, neighbour, thief)


def test_unlock_leaves_no_door_open(stack, auth, robbed):
    """The administrator lets the account in again; the thief, who still has
    the password, comes along, and stays a stranger."""
    who, thief = robbed
    lock_by_guessing(stack, auth, who)
    assert not log_in(auth, who, thief)
    assert stack.lockstep("unlock", who.user).returncode == 0
    for _ in range(3):
        assert log_in(auth, who, thief)
    lock_by_guessing(stack, auth, who)
    assert open_doors(stack, who, thief) == set()
    assert open_doors(stack, who, who.owner) == set(DOORS)


# ---- frozen, and released ------------------------------------------------


def forgotten_by(out):
    assert out.returncode == 0, out
    return {line.split(" ")[3] for line in out.stdout.splitlines()
            if line.startswith("forgot ")}


def test_freeze_and_release_leave_no_door_open(stack, auth, tmp_path):
    """Nobody guessed: the thief just had the password, for some days."""
    who = cast()
    thief, another = networks(2)
    learn(stack, who, who.owner, 14, tmp_path)
    learn(stack, who, another, 5, tmp_path)
    for ip in (who.owner, thief):
        assert log_in(auth, who, ip)
    assert suspicions(stack, who) == []
    out = stack.lockstep("freeze", who.user, "--for", "1d", "--reason",
                         "stolen")
    assert out.returncode == 0, out
    for ip in (who.owner, thief, who.stranger):
        assert open_doors(stack, who, ip) == set()

    out = stack.lockstep("release", who.user)
    assert forgotten_by(out) == {net_of(thief), net_of(another)}
    assert "2 places first seen since " in out.stdout, out
    assert open_doors(stack, who, who.owner) == set(DOORS)
    assert stack.lockstep("lock", who.user).returncode == 0
    assert not log_in(auth, who, thief)
    assert not log_in(auth, who, another)
    assert log_in(auth, who, who.owner)


@pytest.mark.parametrize("frozen", [True, False])
def test_release_keeps_places(stack, auth, robbed, frozen):
    """The owner was frozen by mistake, or travels."""
    who, _ = robbed
    if frozen:
        out = stack.lockstep("freeze", who.user, "--for", "1h")
        assert out.returncode == 0, out
    out = stack.lockstep("release", "--keep-places", who.user)
    assert forgotten_by(out) == set()
    assert " stay familiar\n" in out.stdout, out
    assert is_familiar(stack, auth, who, who.owner)


def test_release_forgets_what_came_after(stack, auth):
    """Places that are new since the first suspicion, and no others."""
    who = cast()
    before = networks(2)
    for place in before:
        assert log_in(auth, who, place)
    tick()
    after = networks(3)
    guess_half(auth, who, after[0])
    for place in after:
        assert log_in(auth, who, place)
    assert suspicions(stack, who)
    forgotten = forgotten_by(stack.lockstep("release", who.user))
    assert forgotten <= {net_of(place) for place in after}
    assert stack.lockstep("lock", who.user).returncode == 0
    assert [log_in(auth, who, place) for place in before + after] == \
        [True] * 2 + [False] * 3


def test_events_tell_the_story(stack, auth, robbed):
    who, _ = robbed
    out = stack.lockstep("freeze", who.user, "--for", "1h", "--reason",
                         "call-the-owner")
    assert out.returncode == 0, out
    assert stack.lockstep("release", who.user).returncode == 0
    kinds = [e["type"] for e in stack.events()
             if named(e) == who.user and e["type"] in
             ("suspicious", "freeze", "release")]
    assert kinds == ["suspicious", "freeze", "release"]
    assert "freeze" in stack.lockstep("events").stdout


# ---- sold: it shows up from everywhere -----------------------------------


def test_too_many_new_places(stack, auth):
    """No guess was wrong; the number of networks tells."""
    who = cast()
    assert log_in(auth, who, who.owner)
    travels = networks(USER_PLACES - 1)
    for place in travels:
        assert log_in(auth, who, place)
    assert suspicions(stack, who) == []
    one_more, another = networks(2)
    assert log_in(auth, who, one_more)
    assert log_in(auth, who, another)
    event = suspicions(stack, who)[0]
    assert event["address"] == one_more
    assert ("user", who.user) not in locked(stack)
    assert not is_familiar(stack, auth, who, another)
    for place in (who.owner, *travels):
        assert is_familiar(stack, auth, who, place)


def test_old_places_again_are_not_new(stack, auth):
    who = cast()
    places = networks(USER_PLACES)
    for _ in range(3):
        for place in places:
            assert log_in(auth, who, place)
    assert suspicions(stack, who) == []


def test_other_accounts_places_are_their_own(stack, auth):
    """Many people travel to the same hotel, and one travels to many."""
    people = crowd(3)
    for place in networks(USER_PLACES - 1):
        for who in people:
            assert log_in(auth, who, place)
    for who in people:
        assert suspicions(stack, who) == []

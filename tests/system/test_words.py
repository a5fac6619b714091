"""What the command line takes for a name, a place and a network, and what it says of
one that nobody has; and that one is not several."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from lib.attempts import guess, log_in
from lib.cast import USERS, cast, net_of
from lib.command import assert_fits, run
from lib.stack import Stack

NOBODY = "nobody ever logged in by that name, as far as is remembered"


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS) as running:
        yield running


def lines(stack, *args):
    return [json.loads(line) for line in run(stack, *args).splitlines()]


# ---- names that nobody has ----------------------------------------------


def owner_of_an_account(stack, auth):
    who = cast()
    assert log_in(auth, who, who.owner)
    return who


@pytest.mark.parametrize("verb", ["freeze", "lock"])
def test_a_name_that_nobody_used(stack, auth, verb):
    """What was ordered is done all the same, and told."""
    who = owner_of_an_account(stack, auth)
    local, _, domain = who.user.partition("@")
    for name in (f"{local}@exmaple.invalid",      # a wrong domain
                 f"{local}@{domain[:-1]}"):       # a slip in it
        out = stack.lockstep(verb, name)
        assert out.returncode == 0 and f"user {name} is " in out.stdout
        assert out.stderr == (f"lockstep: {name}: {NOBODY}; did you mean "
                              f"{who.user}?\n")
    out = stack.lockstep(verb, "zzzzzzzz@else.invalid")
    assert out.returncode == 0
    assert out.stderr == f"lockstep: zzzzzzzz@else.invalid: {NOBODY}\n"
    out = stack.lockstep(verb, who.user)
    assert (out.returncode, out.stderr) == (0, "")
    run(stack, "release" if verb == "freeze" else "unlock", who.user)


def test_a_forgotten_domain(stack, auth):
    who = owner_of_an_account(stack, auth)
    local = who.user.partition("@")[0]
    out = stack.lockstep("freeze", local)
    assert out.returncode == 0
    assert out.stderr == (f"lockstep: {local}: {NOBODY}; did you mean "
                          f"{who.user}?\n")
    run(stack, "release", local)


def test_guesses_make_no_name_known(stack, auth):
    who = cast()
    guess(auth, who, [who.guesser] * 3)
    assert NOBODY in stack.lockstep("freeze", who.user).stderr
    run(stack, "release", who.user)


def test_a_place_of_nobody(stack):
    out = stack.lockstep("lock", "zzzzzzzz@else.invalid from 192.0.2.1")
    assert out.returncode == 0 and NOBODY in out.stderr


@pytest.mark.parametrize("name", ["evil.example.com", "0x7f.1", "192.0.2.256",
                                  "nobodys"])
def test_lock_of_no_account(stack, name):
    out = stack.lockstep("lock", "192.0.2.77", name)
    assert out.returncode == 2 and out.stdout == ""
    assert out.stderr.startswith(
        f"lockstep: {name}: neither an address nor a network, nor an account "
        "that ever logged in; --user locks an account of that name")
    assert not [lock for lock in lines(stack, "list", "locks", "--json")
                if lock["subject"] in (name, "192.0.2.77")]
    out = stack.lockstep("lock", "--user", name)
    assert out.returncode == 0 and out.stdout.startswith(f"user {name} is locked")
    lock, = lines(stack, "list", "locks", "--json", "--user", name)
    assert (lock["kind"], lock["subject"]) == ("user", name)
    # What is locked may be locked for longer.
    assert stack.lockstep("lock", "--for", "2h", name).returncode == 0
    run(stack, "unlock", name)


def test_lock_of_a_forgotten_domain(stack, auth):
    who = owner_of_an_account(stack, auth)
    out = stack.lockstep("lock", who.user.partition("@")[0])
    assert out.returncode == 2
    assert out.stderr.endswith(f"of that name; did you mean {who.user}?\n")


# ---- places --------------------------------------------------------------


def spellings(who, ip, two=True):
    words = [[f"{who.user} from {ip}"], [who.user, "from", ip]]
    return words + [[who.user, ip]] * two


def test_a_place_is_written_one_way(stack, auth):
    """By each verb: as one word, in three, and where nothing else can be meant by it
    as an account and an address."""
    who = owner_of_an_account(stack, auth)
    net = net_of(who.owner)
    place = f"{who.user} from {net}"
    for words in spellings(who, who.owner, two=False) + \
            spellings(who, net, two=False):
        assert run(stack, "lock", *words).startswith(
            f"place {place} is locked until ")
        assert run(stack, "unlock", *words).startswith(
            f"place {place} is unlocked\n")
    run(stack, "lock", place, "--for", "2h")
    for words in spellings(who, who.owner):
        told = json.loads(run(stack, "explain", "--json", *words))
        assert [lock["subject"] for lock in told["locks"]] == [place]
        lock, = lines(stack, "list", "locks", "--json", *words)
        assert lock["subject"] == place
        assert place in run(stack, "list", "locks", *words)
        assert who.user in run(stack, "list", "familiar", *words)
        assert lines(stack, "events", "--json", *words)
    run(stack, "unlock", place)
    for words in spellings(who, who.owner):
        assert log_in(auth, who, who.owner)
        assert run(stack, "forget", *words).splitlines() == [
            f"forgot {place}", "1 place is familiar no more"]


def test_release_writes_places_so(stack, auth):
    who = owner_of_an_account(stack, auth)
    run(stack, "freeze", who.user)
    assert f"forgot {who.user} from {net_of(who.owner)}\n" in \
        run(stack, "release", who.user)


def test_many_subjects_in_words(stack, auth):
    """Places among others."""
    who = owner_of_an_account(stack, auth)
    told = run(stack, "lock", "10.55.1.1", who.user, "from", who.owner,
               "10.55.1.2").splitlines()
    assert [line.partition(" is ")[0] for line in told] == [
        "ip 10.55.1.1", f"place {who.user} from {net_of(who.owner)}",
        "ip 10.55.1.2"]
    run(stack, "unlock", "10.55.1.1", who.user, "from", who.owner, "10.55.1.2")


def heads(told):
    return [line.partition(" is ")[0] for line in told.splitlines()]


def test_a_place_in_two_words(stack, auth):
    """As events prints it: neither the account elsewhere, nor the address."""
    who = owner_of_an_account(stack, auth)
    place = f"{who.user} from {net_of(who.owner)}"
    for words in ([who.user, who.owner], [who.user, net_of(who.owner)]):
        assert heads(run(stack, "lock", "10.55.2.1", *words, "10.55.2.2")) == [
            "ip 10.55.2.1", f"place {place}", "ip 10.55.2.2"]
        assert {lock["subject"] for lock in lines(stack, "list", "--json")} >= \
            {"10.55.2.1", place, "10.55.2.2"}
        run(stack, "unlock", "10.55.2.1", *words, "10.55.2.2")
        assert not {lock["subject"] for lock in lines(stack, "list", "--json")} & \
            {"10.55.2.1", place, "10.55.2.2", who.user, who.owner}


def test_two_subjects_are_no_place(stack, auth):
    """With the address first, or a name that is nobody's."""
    who = owner_of_an_account(stack, auth)
    assert heads(run(stack, "lock", "10.55.3.1", who.user)) == [
        "ip 10.55.3.1", f"user {who.user}"]
    run(stack, "unlock", "10.55.3.1", who.user)
    out = stack.lockstep("lock", "evil.example.com", "10.55.3.2")
    assert (out.returncode, out.stdout) == (2, "")
    assert "evil.example.com: neither an address" in out.stderr


@pytest.mark.parametrize("words", [["lock", "joe@x.example", "from"],
                                   ["lock", "from", "192.0.2.1"],
                                   ["unlock", "from"], ["freeze", "from"]])
def test_half_a_place(stack, words):
    out = stack.lockstep(*words)
    assert out.returncode == 2
    assert "a place is an account from an address: USER from ADDRESS" in \
        out.stderr


# ---- lists ---------------------------------------------------------------


def test_list_of_a_network(stack):
    """Whatever lies in it, without a word for the list."""
    run(stack, "lock", "203.0.113.5", "203.0.113.0/24", "10.54.1.1")
    run(stack, "trust", "203.0.7.7")
    text = run(stack, "list", "203.0.0.0/16")
    for word in ("203.0.113.5", "203.0.113.0/24", "203.0.7.7"):
        assert word in text
    assert "10.54.1.1" not in text
    assert {lock["subject"] for lock in
            lines(stack, "list", "--json", "203.0.0.0/16")} == \
        {"203.0.113.5", "203.0.113.0/24"}
    run(stack, "lock", "--user", "someone@else.invalid")
    assert {lock["subject"] for lock in
            lines(stack, "list", "--json", "someone@else.invalid")} == \
        {"someone@else.invalid"}
    assert lines(stack, "list", "--json", "someone", "from", "192.0.2.1") == []
    out = stack.lockstep("list", "lokcs")
    assert out.returncode == 2 and 'did you mean "locks"?' in out.stderr
    out = stack.lockstep("list", "somebody")
    assert out.returncode == 2 and "--user somebody" in out.stderr


def test_stale_devices_that_try_in_bursts(stack, auth):
    """The pauses between the bursts are what it must stay away for."""
    who = cast()
    assert log_in(auth, who, who.owner)
    pause = 4
    for _ in range(3):
        for _ in range(8):
            assert not log_in(auth, who, who.owner, "of last year")
        time.sleep(pause)
    assert log_in(auth, who, who.owner)
    device, = lines(stack, "list", "stale", "--json", who.user)
    assert device["user"] == who.user and device["times"] > 20
    assert who.user in run(stack, "list", "stale")


# ---- one, two ------------------------------------------------------------


def test_one_is_not_several():
    """A state with one of each."""
    with Stack(users=USERS) as stack, stack.auth() as auth:
        who = owner_of_an_account(stack, auth).user
        run(stack, "lock", "192.0.2.9")
        told = [stack.lockstep("status").stdout, run(stack, "verify"),
                run(stack, "explain", who).partition("\n\n20")[0]]  # no events
        assert " 1 lock, 1 familiar place, " in told[0]
        assert "\n1 lock, 0 freezes, 0 suspicious successes\n" in told[0]
        told.append(run(stack, "unlock", "--all", "--yes"))
        assert told[-1] == "1 lock ended; freezes stay\n"
        told.append(run(stack, "compile", stack.env["LOCKSTEP_CONF"]))
        assert "overrides for 0 accounts, " in told[-1]
        told.append(run(stack, "forget", who))
        assert told[-1].endswith("1 place is familiar no more\n")
        for text in told:
            assert not re.search(r"\b1 (?!strikes )[a-z]+s (?!is)", text), text
            if "compiled (" not in text:  # a path
                assert_fits(text)


# ---- where it is ---------------------------------------------------------


def test_members_of_the_group_find_it(tmp_path):
    """In bin; what an older version left in sbin, where root looks first, goes."""
    build = pathlib.Path(os.environ["LOCKSTEP_BUILD"])
    old = tmp_path / "usr/local/sbin/lockstep"
    old.parent.mkdir(parents=True)
    old.write_text("of before")
    for _ in range(2):
        subprocess.run(["make", "-s", "-C", build / "tools/lockstep",
                        "install-exec", f"DESTDIR={tmp_path}",
                        "prefix=/usr/local"], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert os.access(tmp_path / "usr/local/bin/lockstep", os.X_OK)
        assert not old.exists()
    # One directory for both, as some systems have it.
    subprocess.run(["make", "-s", "-C", build / "tools/lockstep",
                    "install-exec", f"DESTDIR={tmp_path}", "prefix=/usr/local",
                    "sbindir=/usr/local/bin"], check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert os.access(tmp_path / "usr/local/bin/lockstep", os.X_OK)

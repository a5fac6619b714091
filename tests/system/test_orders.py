"""What an order is worth is told with it: what it does not do, what still keeps
somebody out, and for whom it is not meant; and who gave it, and why."""

import contextlib
import json
import re
import time

import pytest

from lib.attempts import guess, log_in
from lib.cast import PLACE_FAILURES, USERS, cast, net_of
from lib.command import assert_fits, run
from lib.stack import Stack, poll


@pytest.fixture(scope="module")
def stack():
    policy = 'readers = "adm"\ntrusted = { "127.0.0.0/8", "10.99.0.0/16", ' \
        '"10.97.1.128/26" }\ndenied = { "10.99.8.0/29", "10.99.8.8/29" }\n'
    with Stack(users=USERS, policy=policy) as running:
        yield running


@contextlib.contextmanager
def environment(stack, more):
    before = dict(stack.env)
    stack.env.update(more)
    try:
        yield
    finally:
        stack.env.clear()
        stack.env.update(before)


def explain(stack, *args):
    return json.loads(run(stack, "explain", "--json", *args))


# ---- what still keeps somebody out ---------------------------------------


def test_unlock_tells_of_the_accounts_places(stack, auth):
    who = cast()
    place = f"{who.user} from {net_of(who.owner)}"
    assert log_in(auth, who, who.owner)
    guess(auth, who, [who.owner] * (PLACE_FAILURES + 1))
    assert not log_in(auth, who, who.owner)
    told = run(stack, "unlock", who.user)
    assert told.startswith(f"user {who.user} was not locked\n  cleared ")
    assert f"lockstep unlock '{place}'\n" in told
    assert run(stack, "unlock", place).startswith(f"place {place} is unlocked")
    assert log_in(auth, who, who.owner)


def test_place_of_an_address(stack, auth):
    """An address stands for its network there, as it does in explain."""
    who = cast()
    assert log_in(auth, who, who.owner)
    place = f"{who.user} from {net_of(who.owner)}"
    told = run(stack, "lock", f"{who.user} from {who.owner}")
    assert told.startswith(f"place {place} is locked")
    assert not log_in(auth, who, who.owner)
    told = run(stack, "unlock", f"{who.user} from {who.owner}")
    assert told.startswith(f"place {place} is unlocked")
    assert log_in(auth, who, who.owner)
    told = run(stack, "lock", f"{who.user} from 2001:db8:7:5::1")
    assert told.startswith(f"place {who.user} from 2001:db8:7::/48 is locked")


def test_ipv6_is_not_ipv4(stack, auth):
    """However short: what ::/48 covers is no address of IPv4."""
    who = cast()
    assert log_in(auth, who, who.owner)
    run(stack, "lock", "::/48")
    assert "::/48" not in run(stack, "list", "locks", who.owner)
    run(stack, "forget", "::/48", code=1)
    assert who.user in run(stack, "list", "familiar", who.user)
    run(stack, "unlock", "::/48")


def test_unlock_tells_of_the_freeze(stack):
    who = cast()
    run(stack, "freeze", who.user)
    told = run(stack, "unlock", who.user, code=1)
    assert f"user {who.user} is still frozen until 2" in told
    assert told.endswith(f": lockstep release '{who.user}'\n")
    place = f"{who.user} from {net_of(who.owner)}"
    run(stack, "lock", place)
    assert f"user {who.user} is still frozen" in run(stack, "unlock", place)
    run(stack, "release", who.user)
    assert "frozen" not in run(stack, "unlock", who.user, code=1)


def test_unlock_without_a_lock_leaves_a_trace(stack, auth):
    """Whoever may, could empty a spammer's meters again and again."""
    who = cast()
    guess(auth, who, [who.guesser] * 3)
    run(stack, "unlock", who.user, "--reason", "a favour")
    event, = [e for e in stack.events("unlock") if e["subject"] == who.user]
    assert event["by"].endswith(": a favour")
    run(stack, "unlock", who.user, code=1)
    assert len([e for e in stack.events("unlock")
                if e["subject"] == who.user]) == 1


def test_what_is_told_can_be_given_to_a_shell(stack):
    """Whatever is in the name."""
    name = "a'$(touch evil)`b\"\\c"
    run(stack, "freeze", name)
    told = run(stack, "unlock", name, code=1).splitlines()[-1]
    out = stack.run("sh", "-c", told.rpartition(": ")[2])
    assert out.returncode == 0 and "is released" in out.stdout, out


# ---- whom it is not meant for --------------------------------------------


@pytest.mark.parametrize("words", [
    ["freeze"], ["lock"], ["unlock"], ["release"], ["explain"], ["forget"],
    ["list", "familiar"], ["events", "--user"]])
def test_capitals_are_dovecots(stack, words):
    """An order for a name, and a question about it, is about what Dovecot makes of
    it."""
    out = stack.lockstep(*words, "Joe@Example.Test")
    assert out.returncode in (0, 1)
    assert out.stderr.startswith("lockstep: Joe@Example.Test: Dovecot makes "
                                 "joe@example.test of it\n")
    assert "Joe" not in out.stdout
    assert "makes" not in stack.lockstep(*words, "joe@example.test").stderr


@pytest.mark.parametrize("verb", ["freeze", "release"])
def test_a_place_is_no_account(stack, verb):
    out = stack.lockstep(verb, "joe@example.test from 192.0.2.0/24")
    assert out.returncode == 2
    assert out.stderr == ("lockstep: joe@example.test from 192.0.2.0/24: not an "
                          "account; lock and unlock are for addresses and "
                          "places\n")


# ---- whom it does not reach ----------------------------------------------


def test_a_lock_of_the_exempt(stack):
    for words in (["lock", "127.0.0.1"], ["lock", "10.99.7.7"],
                  ["lock", "10.99.7.0/24"]):
        assert "but it is exempt: `trusted` in the policy\n" in run(stack, *words)
    for part in ("10.97.1.0/24", "10.99.8.0/24"):
        assert "but a part of it is exempt: `trusted`" in run(
            stack, "lock", part)
    for other in ("10.97.1.1", "10.99.8.8"):
        assert "but" not in run(stack, "lock", other)
    run(stack, "trust", "10.98.1.1")
    assert run(stack, "lock", "10.98.1.1").endswith(
        "but it is exempt: lockstep trust\n")
    run(stack, "trust", "--end", "10.98.1.1")
    for name in ("10.98.1.1", "10.98.1.0/24", "joe@example.test"):
        assert "but" not in run(stack, "lock", name)
    assert "but" not in run(stack, "freeze", "joe@example.test")


def test_a_trust_of_the_denied(stack):
    for words in (["10.99.8.1"], ["10.99.8.0/24"]):
        assert run(stack, "trust", *words).endswith(
            "but it is denied: `denied` in the policy\n")
    assert "but" not in run(stack, "trust", "10.99.9.1")


def test_a_lock_of_a_year(stack):
    """The month alone would not tell when it ends."""
    year = int(time.strftime("%Y"))
    run(stack, "lock", "10.98.2.1", "--for", "366d")
    run(stack, "lock", "10.98.2.2", "--for", "300d")
    ends = {line.split()[0]: line[56:68]
            for line in run(stack, "list", "locks").splitlines()}
    assert ends["10.98.2.1"].endswith((f"  {year + 1}", f"  {year + 2}"))
    assert re.fullmatch(r"\w{3} [ \d]\d \d\d:\d\d", ends["10.98.2.2"])


def test_orders_while_the_policy_observes(tmp_path, stack):
    conf, policy = tmp_path / "lockstep.conf", tmp_path / "policy.cdb"
    conf.write_text(f'state-dir = "{tmp_path}"\nmode = "observe"\n'
                    'group = ""\nsubjects = 1024\n')

    def lockstep(*words):
        return run(stack, "-p", policy, *words)

    lockstep("compile", conf)
    for words in (["freeze", "joe"], ["lock", "joe@x.example"], ["lock", "192.0.2.1"],
                  ["trust", "192.0.2.2"]):
        assert lockstep(*words).endswith(
            "but the policy only observes: it refuses nobody\n")
    told = lockstep("explain", "joe", "from", "192.0.2.1")
    assert "would refuse:\n" in told and "admin of user, until " in told
    assert_fits(told[:told.index("METER")])


def test_a_shorter_freeze_ends_no_longer_one(stack):
    who = cast()
    told = run(stack, "freeze", who.user, "--for", "2d")
    assert told.startswith(f"user {who.user} is frozen, on every protocol, until ")
    assert run(stack, "freeze", who.user, "--for", "10m") == \
        told.replace(" is ", " stays ")


def test_a_lock_has_one_end(stack):
    """To the millisecond, in all that tells of it, however often it is asked;
    also what lockstepd posted of it."""
    who = cast()
    told = run(stack, "lock", who.guesser, "--for", "2d")
    ends, seconds = set(), {told.split(" until ")[1].strip()}
    for _ in range(200):
        ends |= {lock["until"] for lock in
                 map(json.loads, run(stack, "list", "--json").splitlines())
                 if lock["subject"] == who.guesser}
    ends |= {lock["until"] for lock in explain(stack, who.guesser)["locks"]}
    ends |= {event["until"] for event in stack.events()
             if event.get("subject") == who.guesser}
    poll(lambda: any(who.guesser in post["body"] for post in stack.webhooks()),
         what="a post about it")
    ends |= {json.loads(post["body"])["data"]["until"]
             for post in stack.webhooks() if who.guesser in post["body"]}
    assert len(ends) == 1, ends
    seconds |= set(re.findall(r"until (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)",
                              run(stack, "explain", who.guesser)
                              + run(stack, "events", who.guesser)))
    assert len(seconds) == 1, seconds


# ---- who, and why --------------------------------------------------------


def test_the_whole_reason_is_kept(stack):
    who = cast()
    why = "ticket 4711: \u00e9\u00e9\u00e9 sold on a forum, told by the bank"
    with environment(stack, {"SUDO_USER": "firstname.lastname"}):
        run(stack, "lock", who.guesser, "--reason", why)
        run(stack, "freeze", who.user, "--reason", why)
    by = f"firstname.lastname: {why}"
    for subject in (who.guesser, who.user):
        event, = [e for e in stack.events() if e.get("subject") == subject]
        assert event["by"] == by
        lock, = explain(stack, subject)["locks"]
        assert lock["by"] == by
        assert f"({by})" in run(stack, "explain", subject)
        assert f"({by})" in run(stack, "events", subject)


def test_a_reason_too_long_is_refused(stack):
    out = stack.lockstep("lock", "192.0.2.99", "--reason", "x" * 128)
    assert out.returncode == 2
    assert out.stderr == "lockstep: --reason has at most 127 bytes, not 128\n"
    assert "192.0.2.99" not in run(stack, "list")
    run(stack, "lock", "192.0.2.99", "--reason", "x" * 127)


def test_who_ordered_it_for_the_typed_name(stack, auth):
    who = cast()
    assert auth.login(who.alias, who.password, ip=who.owner).ok
    for verb in ("freeze", "lock"):
        stack.lockstep(verb, who.alias, "--reason", verb)
    text = run(stack, "explain", who.alias)
    locks = explain(stack, who.alias)["locks"]
    assert sorted(lock["by"].split(": ")[1] for lock in locks) == [
        "freeze", "lock"]
    assert ": freeze)" in text and ": lock)" in text


# ---- explain -------------------------------------------------------------


@pytest.mark.parametrize("address,network", [
    ("2001:db8:77::5", "2001:db8:77::/48"), ("198.51.99.0", "198.51.99.0/24")])
def test_a_network_is_not_its_first_address(stack, address, network):
    who = cast()
    run(stack, "lock", address)
    told = explain(stack, network)
    assert told["login"]["verdict"] == "admit" and told["locks"] == []
    assert explain(stack, address)["login"]["verdict"] == "deny"
    assert explain(stack, who.user, "from",
                   network)["login"]["verdict"] == "admit"
    run(stack, "lock", network)
    assert explain(stack, network)["login"]["verdict"] == "deny"


def test_this_host_needs_no_tls(stack):
    who = cast()
    for address, wants in (("127.0.0.1", False), ("::1", False),
                           ("192.0.2.1", True)):
        assert explain(stack, who.user, "from",
                       address)["login"]["wants_tls"] is wants
        assert ("without TLS: refused" in run(
            stack, "explain", who.user, "from", address)) is wants


def test_events_of_where_it_comes_from(stack, auth):
    """Of the /64 that an address is in, of the network that a place is."""
    who = cast()
    nets = [f"2001:db8:9:{who.number:x}::{n:x}" for n in range(1, 6)]
    guess(auth, who, nets)
    told = explain(stack, f"2001:db8:9:{who.number:x}::77")
    assert [e["data"]["address"] for e in told["events"]] == nets
    assert log_in(auth, who, who.at(3, 5))
    told = explain(stack, who.user, "from", who.at(3, 77))
    assert told["familiar"] and len(told["events"]) == 1


def test_events_of_a_place(stack, auth):
    """In the words in which the lists tell of it."""
    who = cast()
    guess(auth, who, [who.at(3), who.at(4)])
    for words in ([who.user, who.at(3)], [who.user, "from", who.at(3)],
                  [f"{who.user} from {net_of(who.at(3))}"]):
        event, = run(stack, "events", "--json", *words).splitlines()
        assert json.loads(event)["data"]["address"] == who.at(3)
    run(stack, "lock", f"{who.user} from {net_of(who.at(3))}")
    for words in ([who.user, "from", who.at(3)],
                  [f"{who.user} from {net_of(who.at(3))}"]):
        lock, = run(stack, "list", "locks", "--json", *words).splitlines()
        assert json.loads(lock)["kind"] == "place"


# ---- following -----------------------------------------------------------


def test_who_may_not_read_does_not_wait_for_ever(stack):
    out = stack.run("timeout", "30", "setpriv", "--reuid=daemon",
                    "--regid=daemon", "--clear-groups", "lockstep", "events",
                    "-f")
    assert out.returncode == 1 and "may read the state" in out.stderr
    assert_fits(run(stack, "explain", "192.0.2.1"))

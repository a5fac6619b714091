"""What an administrator sees of the state, and undoes: tables as they are, on 80
columns without colour; explain, unlock, trust, forget."""

import json
import os
import pathlib
import re

import pytest

from lib.attempts import guess, guess_calls, attempt, locked, log_in
from lib.cast import (GUESS_ACCOUNTS, LIMIT, USER_FAILURES, USERS, Cast, cast, crowd,
                      guesses, net_of, networks)
from lib.command import assert_fits, run
from lib.stack import Stack, poll
from lib.terminal import Terminal


def explain(stack, *args):
    return json.loads(run(stack, "explain", "--json", *args))


def masked(text):
    """Times are other ones at each run."""
    text = re.sub(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                  r"[ \d]\d \d\d:\d\d", "Mmm DD HH:MM", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "YYYY-MM-DD HH:MM:SS",
                  text)
    return re.sub(r"\b\d+ (s|min|h|d)\b", "N u", text)


# ---- tables --------------------------------------------------------------

EXPLAINED = """\
alone@example.test from 10.66.66.66

login now  refused: failures of ip, until YYYY-MM-DD HH:MM:SS (in N u)
           without TLS: refused
connection refused: failures of ip, until YYYY-MM-DD HH:MM:SS (in N u)
locked     ip 10.66.66.66: failures, strike 1
           since YYYY-MM-DD HH:MM:SS, until YYYY-MM-DD HH:MM:SS, by rule
place      a stranger
sessions   0 live, of 50 at once

METER                   LEVEL LIMIT        EMPTY IN   ROOM IN    ASKED
place failures             10 20/10m       N u      now        yes
place failures-slow        10 60/1d        N u      now        yes
place repeats               0 300/1h       -          now        -
ip failures                10 10/10m       N u      N u       yes
ip failures-slow           10 50/1d        N u      now        yes
ip accounts                 1 8/10m        N u       now        yes
ip accounts-slow            1 30/1d        N u     now        yes
ip logins                   0 600/5m       -          now        yes
net failures               10 60/10m       N u       now        yes
net failures-slow          10 300/1d       N u     now        yes
net accounts                1 20/10m       N u       now        yes
net accounts-slow           1 80/1d        N u     now        yes
user failures              10 20/1h        N u     now        yes
user failures-slow         10 100/7d       N u       now        yes
user places                 0 10/1d        -          now        -
user logins                 0 300/5m       -          now        yes
local any-domain            0 100/1h       -          now        yes
local any-domain-slow       0 500/7d       -          now        yes
ip sessions begun           0 600/5m       -          now        -
user sessions begun         0 300/5m       -          now        -
"""


def squeezed(text):
    """One blank for many: where a column of times ends depends on them."""
    return [re.sub(" +", " ", line) for line in masked(text).splitlines()]


def test_golden_explain(stack, auth):
    attempt(auth, guess_calls(["alone@example.test"] * (LIMIT + 2),
                              ["10.66.66.66"] * (LIMIT + 2)))
    text = run(stack, "explain", "alone@example.test", "from", "10.66.66.66")
    told, _, events = text.rpartition("\n\n")
    assert squeezed(told) == squeezed(EXPLAINED)
    assert_fits(told)
    assert len(events.splitlines()) == 10
    assert " lock    ip 10.66.66.66 for failures, strike 1" in events


LISTED = """\
LOCKED                       WHY           SINCE        UNTIL        NO. BY
10.77.77.77                  admin         Mmm DD HH:MM Mmm DD HH:MM   0 admin
10.77.77.0/24                admin         Mmm DD HH:MM Mmm DD HH:MM   0 admin
2001:db8:77::/48             admin         Mmm DD HH:MM Mmm DD HH:MM   0 admin
somebody.with.a.very.long.name@example.test
                             admin         Mmm DD HH:MM Mmm DD HH:MM   0 admin
a\\x1b[31m@example.test       frozen        Mmm DD HH:MM Mmm DD HH:MM   0 admin
"""
TRUSTED = """\
TRUSTED                                                  UNTIL
10.78.78.78                                              Mmm DD HH:MM
"""
FAMILIAR = """\
ACCOUNT                          NETWORK              FIRST SEEN   UNTIL
{who.user:<32} {net:<20} Mmm DD HH:MM Mmm DD HH:MM
{who.user:<32} {net6:<20} Mmm DD HH:MM Mmm DD HH:MM
"""
STALE = """\
ACCOUNT                  FROM            BY      TIMES SINCE        LAST
{who.user:<24} {who.owner:<15} imap        6 Mmm DD HH:MM Mmm DD HH:MM
"""
SESSIONS = """\
ACCOUNT             FROM            BY     SINCE            PID SESSION
{who.user:<19} {who.owner:<15} imap   Mmm DD HH:MM {pid:>7} {session}
"""


def check_list_of_sessions(stack, who):
    session = stack.login("imap", who.number, ip=who.owner, keep=True)
    assert session.ok
    line = poll(lambda: run(stack, "list", "sessions", "--json", who.user),
                what="the session")
    one = json.loads(line)
    text = run(stack, "list", "sessions", who.user)
    assert_fits(text)
    assert masked(text) == SESSIONS.format(who=who, **one)
    assert (one["user"], one["address"], one["service"]) == \
        (who.user, who.owner, "imap")
    assert os.readlink(f"/proc/{one['pid']}/exe").endswith("/imap")
    for of in (who.owner, net_of(who.owner), "--since=1h"):
        assert run(stack, "list", "sessions", of) == text
    for of in ("nobody@example.test", "198.51.100.1"):
        assert run(stack, "list", "sessions", of) == \
            "no such session is live\n"
    poll(lambda: run(stack, "list", "sessions", "--since=1s") ==
         "no such session is live\n", what="a second")
    session.close()
    poll(lambda: run(stack, "list", "sessions", who.user) ==
         "no such session is live\n", what="its end")


def check_list_of_stale(stack, auth):
    """Three times one wrong password; until the right one comes from there."""
    who = Cast(2)

    def listed():
        return [json.loads(line)["times"] for line in
                run(stack, "list", "stale", "--json", who.user).splitlines()]

    for times in ([], [], [3], [4]):
        assert not log_in(auth, who, who.owner, "of last year")
        assert listed() == times
    assert log_in(auth, who, who.at(2))
    assert listed() == [4]
    assert log_in(auth, who, who.owner)
    poll(lambda: listed() == [], what="its end")
    # Another device behind the same address has the right one.
    for _ in range(4):
        assert not log_in(auth, who, who.owner, "of last year")
        assert log_in(auth, who, who.owner)
    assert not log_in(auth, who, who.owner, "of last year")
    assert listed() == [9]


def test_golden_lists():
    """On a stack of its own: the whole lists."""
    with Stack(users=USERS) as stack, stack.auth() as auth:
        assert run(stack, "list") == "nothing is locked\n"
        assert run(stack, "list", "trusted") == \
            "nothing is trusted for a while\n"
        assert run(stack, "list", "familiar") == "no such place is familiar\n"
        assert run(stack, "list", "stale") == \
            "no device keeps trying one wrong password\n"
        assert run(stack, "list", "sessions") == \
            "no such session is live\n"
        for name in ("10.77.77.77", "10.77.77.0/24", "2001:db8:77::/48",
                     "somebody.with.a.very.long.name@example.test"):
            run(stack, "lock", name)
        run(stack, "freeze", "a\x1b[31m@example.test")
        run(stack, "trust", "10.78.78.78", "--for", "2d")
        assert masked(run(stack, "list", "locks")) == LISTED
        assert masked(run(stack, "list")) == LISTED + "\n" + TRUSTED
        assert masked(run(stack, "list", "trusted")) == TRUSTED
        assert {json.loads(line)["subject"] for line in
                run(stack, "list", "--json").splitlines()} == {
            name for name in re.findall(r"^\S+", LISTED, re.M)[1:-1]
        } | {"a\x1b[31m@example.test"}

        who = Cast(1)  # a name whose length does not hang on the order of tests
        for ip in (who.owner, who.at6(0)):
            assert log_in(auth, who, ip)
        expected = FAMILIAR.format(who=who, net=net_of(who.owner),
                                   net6=f"2001:db8:{who.number:x}0::/48")
        text = run(stack, "list", "familiar")
        head, *rows = masked(text).splitlines()
        assert sorted(rows) == sorted(expected.splitlines()[1:])
        assert head == expected.splitlines()[0]
        assert len(run(stack, "list", "familiar", net_of(who.owner))
                   .splitlines()) == 2
        for _ in range(6):
            assert not log_in(auth, who, who.owner, "of last year")
        assert masked(run(stack, "list", "stale")) == STALE.format(who=who)
        check_list_of_stale(stack, auth)
        check_list_of_sessions(stack, who)
        assert_fits(text)


def test_wide_terminal_and_colour(stack):
    """There, and there alone."""
    run(stack, "lock", "10.79.79.79")
    with Terminal(["lockstep", "list", "locks"], stack.env, columns=120,
                  term="xterm") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b[1mLOCKED" in terminal.raw
        head = terminal.screen.lines()[0]
        assert head.index("WHY") == 29 + 40
    with Terminal(["env", "NO_COLOR=1", "lockstep", "list", "locks"],
                  stack.env, term="xterm") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.raw
        assert terminal.screen.lines()[0].index("WHY") == 29
    run(stack, "unlock", "10.79.79.79")


# ---- explain -------------------------------------------------------------


def test_explain_says_what_happens(stack, auth):
    """To a guesser, to the owner at home, at every turn."""
    who = cast()
    assert log_in(auth, who, who.owner)

    def agree():
        for ip in (who.owner, who.guesser, *networks(1)):
            told = explain(stack, who.user, "from", ip)
            assert log_in(auth, who, ip) == \
                (told["login"]["verdict"] == "admit"), told
    guess(auth, who, [who.guesser] * (LIMIT + 1))
    told = explain(stack, who.user, "from", who.guesser)
    assert (told["login"]["reason"], told["login"]["kind"]) == \
        ("failures", "ip")
    lock, = told["locks"]
    assert (lock["subject"], lock["origin"], lock["strikes"]) == \
        (who.guesser, "rule", 1)
    agree()
    guess(auth, who, networks(USER_FAILURES))
    agree()
    run(stack, "freeze", who.user, "--reason", "sold")
    told = explain(stack, who.user)
    assert (told["login"]["verdict"], told["login"]["reason"]) == \
        ("deny", "admin")
    freeze = next(lock for lock in told["locks"] if lock.get("freeze"))
    assert freeze["by"].endswith(": sold")
    assert told["places"][0]["login"]["verdict"] == "deny"
    agree()
    run(stack, "release", who.user)
    agree()


def test_explain_charges_nothing(stack, auth):
    who = cast()
    for _ in range(2 * LIMIT):
        run(stack, "explain", who.user, "from", who.guesser)
    assert explain(stack, who.guesser)["events"] == []
    guess(auth, who, [who.guesser] * (2 * LIMIT))
    assert len(stack.verified(who.number)) == LIMIT


def test_explain_tells_who_is_exempt(stack, auth):
    who = cast()
    assert log_in(auth, who, who.owner)
    told = explain(stack, who.user, "from", who.owner)
    assert told["familiar"] and "familiar_until" in told
    assert {(m["kind"], m["meter"]) for m in told["meters"] if m["asked"]} == {
        ("place", "failures"), ("place", "failures-slow"), ("user", "logins")}
    assert not explain(stack, who.user, "from", who.guesser)["familiar"]
    place, = explain(stack, who.user)["places"]
    assert place["network"] == net_of(who.owner)
    one_word = f"{who.user} from {net_of(who.owner)}"
    assert explain(stack, one_word)["network"] == net_of(who.owner)


# ---- unlock --------------------------------------------------------------


def test_unlock_says_what_it_cleared(stack, auth):
    who = cast()
    guess(auth, who, [who.guesser] * LIMIT)
    text = run(stack, "unlock", who.guesser)
    assert_fits(text)
    assert text.startswith(f"ip {who.guesser} is unlocked\n"
                           "  cleared failures 10 of 10/10m, ")
    assert text.endswith("1 strike\n")
    assert run(stack, "unlock", who.guesser, code=1) == \
        f"ip {who.guesser} was not locked\n"


def test_verify_fails_by_findings(stack):
    """Here by a session whose account is another one all of a sudden."""
    who = cast()
    session = stack.login("imap", who.number, ip=who.owner, keep=True)
    assert session.ok
    poll(lambda: f'"{who.user}"' in run(stack, "list", "sessions", "--json"),
         what="the session")
    assert run(stack, "verify") == "0 findings\n"
    sessions = pathlib.Path(stack.env["STATE_DIR"]) / "sessions"
    at = sessions.read_bytes().rindex(who.user.encode() + b"\0")
    with sessions.open("r+b") as file:
        for text, found, last in ((b"?", 1, "1 finding"),
                                  (who.user[:1].encode(), 0, "0 findings")):
            file.seek(at)
            file.write(text)
            file.flush()
            told = run(stack, "verify", code=found).splitlines()
            assert told[-1] == last
            assert len(told) == found + 1
            assert all("its account has another key" in line
                       for line in told[:-1])
    session.close()


@pytest.mark.parametrize("locked_first", [True, False])
def test_one_that_was_not_locked_is_told_by_the_code(stack, locked_first):
    """Whatever came of the others."""
    names = [cast().guesser, cast().guesser]
    run(stack, "lock", names[0])
    told = run(stack, "unlock", *(names if locked_first else names[::-1]),
               code=1)
    assert f"ip {names[0]} is unlocked\n" in told
    assert f"ip {names[1]} was not locked\n" in told


def test_unlock_all_asks_first():
    with Stack(users=USERS) as stack:
        assert "nothing is locked" in run(stack, "unlock", "--all", code=1)
        for name in ("10.80.0.1", "10.80.1.0/24", "joe@example.test"):
            run(stack, "lock", name)
        out = stack.lockstep("unlock", "--all")
        assert out.returncode == 2 and "--yes" in out.stderr
        for answer, left in (("n", 3), ("", 3), ("y", 0)):
            with Terminal(["lockstep", "unlock", "--all"],
                          stack.env) as terminal:
                terminal.wait_for(lambda text: "End all locks, those of guessers too (3)?" in text)
                terminal.type(answer + "\n")
                assert terminal.wait() == (0 if answer == "y" else 1)
            assert len(stack.locks()) == left
        run(stack, "lock", "10.80.0.1")
        assert "1 lock ended" in run(stack, "unlock", "--all", "--yes")
        assert stack.locks() == []


def test_unlock_a_wrong_password(stack, auth):
    word, = guesses(1)
    people = crowd(GUESS_ACCOUNTS)
    last = cast()
    attempt(auth, [{"user": who.user, "password": word, "ip": ip}
                   for who, ip in zip(people, networks(GUESS_ACCOUNTS))])
    assert "guess" in {kind for kind, _ in locked(stack)}
    before = len(stack.verified(last.number))
    attempt(auth, [{"user": last.user, "password": word,
                    "ip": networks(1)[0]}])
    assert len(stack.verified(last.number)) == before
    with Terminal(["lockstep", "unlock", "--guess"], stack.env) as terminal:
        terminal.wait_for(lambda text: "The wrong password:" in text)
        terminal.type(word + "\n")
        assert terminal.wait() == 0
        text = terminal.screen.text()
        assert word not in text and "may be tried again" in text
        assert "cleared accounts 10 of 10/1d" in text
        assert terminal.is_restored()
    with Terminal(["lockstep", "unlock", "--guess"], stack.env) as terminal:
        terminal.wait_for(lambda text: "The wrong password:" in text)
        terminal.type(word + "\n")
        assert terminal.wait() == 1
    attempt(auth, [{"user": last.user, "password": word,
                    "ip": networks(1)[0]}])
    assert len(stack.verified(last.number)) == before + 1
    assert "guess-" not in stack.lockstep("events").stdout


# ---- trust, forget -------------------------------------------------------


def test_trust_exempts_for_a_while(stack, auth):
    who, other = cast(), cast()
    guess(auth, who, [who.guesser] * LIMIT)
    assert not log_in(auth, other, who.guesser)
    run(stack, "trust", who.guesser, "--for", "2d", "--reason", "new office")
    told = explain(stack, other.user, "from", who.guesser)
    assert told["login"]["verdict"] == "admit"
    trusted, = told["trusted"]
    assert trusted["by"].endswith(": new office")
    assert log_in(auth, other, who.guesser)
    event = stack.events("trust")[-1]
    assert event["subject"] == who.guesser and "until" in event
    assert who.guesser in run(stack, "list")
    run(stack, "trust", "--end", who.guesser)
    assert not log_in(auth, cast(), who.guesser)
    assert "was not trusted" in run(stack, "trust", "--end", who.guesser,
                                    code=1)
    out = stack.lockstep("trust", who.user)
    assert out.returncode == 2 and "only an address or a network" in out.stderr


def test_trust_outlives_the_maps(stack):
    who = cast()
    with Stack(users=5) as running:
        run(running, "trust", who.guesser, "--for", "2d")
        run(running, "init")
        assert who.guesser in run(running, "list", "trusted")


def test_forget(stack, auth):
    who, neighbour = cast(), cast()
    far, = networks(1)
    for ip in (who.owner, far):
        assert log_in(auth, who, ip)
    assert log_in(auth, neighbour, far)
    text = run(stack, "forget", who.user, "from", who.owner)
    assert text == (f"forgot {who.user} from {net_of(who.owner)}\n"
                    "1 place is familiar no more\n")
    assert not explain(stack, who.user, "from", who.owner)["familiar"]
    assert explain(stack, who.user, "from", far)["familiar"]
    text = run(stack, "forget", far)
    assert set(text.splitlines()) == {
        f"forgot {who.user} from {net_of(far)}",
        f"forgot {neighbour.user} from {net_of(far)}",
        "2 places are familiar no more"}
    assert "no such place" in run(stack, "forget", who.user, code=1)
    assert stack.events("forget")[-1]["address"] == far


# ---- events --------------------------------------------------------------


def test_events_are_filtered(stack, auth):
    who = cast()
    guess(auth, who, [who.guesser] * 3)
    assert log_in(auth, who, who.owner)

    def shown(*filters):
        return run(stack, "events", *filters).splitlines()
    assert len(shown(who.user)) == 4
    assert len(shown("--user", who.user, "--from", who.guesser)) == 3
    assert len(shown(who.user, "--outcome", "success")) == 1
    assert len(shown(net_of(who.guesser), "--outcome", "wrong")) == 3
    assert len(shown(who.user, "--type", "login", "-n", "2")) == 2
    assert shown(who.user, "--type", "session") == []
    assert shown(who.user, "--service", "smtp") == []
    assert len(shown(who.user, "--since", "1h")) == 4
    for bad in (["--type", "x"], ["--outcome", "x"], ["--since", "x"],
                ["--kind", "x"], ["--from", "x"], ["10.0.0.1/8"]):
        out = stack.lockstep("events", *bad)
        assert out.returncode == 2 and out.stderr, bad
    # What may be written there is told, and may be written there.
    known = stack.lockstep("events", "--type", "x").stderr
    for word in known.partition("one of ")[2].strip().split(", "):
        run(stack, "events", "--type", word, "-n", "1")


# ---- status --------------------------------------------------------------


def test_status_has_the_last_hour(stack, auth):
    before = json.loads(run(stack, "status", "--json"))["last_hour"]
    who = cast()
    guess(auth, who, [who.guesser] * (LIMIT + 2))
    assert log_in(auth, who, who.owner)
    # The auth process answers, and then journals.
    poll(lambda: json.loads(run(stack, "status", "--json"))["last_hour"]["all"]
         ["success"] > before["all"]["success"], what="the login")
    told = json.loads(run(stack, "status", "--json"))
    after = told["last_hour"]
    grown = {key: after["services"]["imap"][key] -
             before["services"].get("imap", {}).get(key, 0)
             for key in ("logins", "success", "wrong", "refused")}
    assert grown == {"logins": LIMIT + 3, "success": 1, "wrong": LIMIT,
                     "refused": 2}
    assert after["locks"] == before["locks"] + 1
    assert told["problems"] == [] and told["wired"]["lockstepd_alive"]
    assert told["journal"]["damaged"] == 0
    text = run(stack, "status")
    assert re.search(r"^imap +\d+ +\d+ +\d+ +\d+$", text, re.M)

"""However many sessions begin at once, no more live than the policy allows; and
nothing but sessions is counted."""

import functools
import smtplib

import pytest

from lib import held, sessions
from lib.cast import USERS, at_once, cast
from lib.clients import FAILURES
from lib.stack import Stack, poll

SESSIONS = 50
# What a login hears that is one too many; submission's door has words of its own.
TOO_MANY = {"imap": "[LIMIT] Too many sessions",
            "pop3": "[IN-USE] Too many sessions",
            "sieve": "Too many sessions", "submission": "454 4.7.0"}


@pytest.fixture(scope="module")
def stack():
    with Stack(users=USERS, policy="limit user { sessions = 50 }\n") as running:
        yield running


@pytest.fixture(scope="module")
def narrow():
    """One session each."""
    with Stack(users=USERS, policy="limit user { sessions = 1 }\n") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def told():
    """How the refused were refused: printed at the end."""
    rows = []
    yield rows
    print("\n".join(rows))


def count_refusals(answers, live):
    """Returns how many heard NO, and how many OK and then BYE."""
    refused = [a for a in answers if a not in live]
    assert all("Too many sessions" in a.text for a in refused if not a.ok), \
        [a.text for a in refused]
    return (sum(not a.ok for a in refused), sum(a.ok for a in refused))


def test_sixty_at_once(stack, told):
    who, other = cast(), cast()
    answers = sessions.begin(stack, who, 60)
    live = sessions.alive(answers)
    no, bye = count_refusals(answers, live)
    told.append(f"60 logins at once: {len(live)} live, {no} NO, {bye} BYE")
    assert len(live) == SESSIONS and no + bye == 10
    assert sessions.is_alive(stack.login("imap", other.number, ip=other.owner,
                                         keep=True))
    # In turn, no one hears more than NO.
    late = sessions.begin(stack, who)[0]
    assert not late.ok and "Too many sessions" in late.text, late
    sessions.close(answers)


def test_killed_processes_leave_their_places(stack):
    who = cast()
    first = sessions.begin(stack, who, SESSIONS)
    assert len(sessions.alive(first)) == SESSIONS
    doomed = sessions.pids(stack, who)[:30]
    assert len(doomed) == 30
    sessions.kill(doomed)
    poll(lambda: len(sessions.alive(first)) == SESSIONS - 30,
         what="the end of 30")
    second = sessions.begin(stack, who, 40)
    live = sessions.alive(second)
    assert len(live) == 30, [a.text for a in second]
    sessions.close(first + second)


def test_places_are_given_back(stack):
    who = cast()
    for _ in range(3):
        answers = sessions.begin(stack, who, SESSIONS)
        assert len(sessions.alive(answers)) == SESSIONS
        sessions.close(answers)
        poll(lambda: stack.lockstep("list", "sessions", "--json", who.user)
             .stdout.count('"user"') == 0, what="their end")


def test_doors_share_the_limit(narrow):
    who = cast()
    first = sessions.begin(narrow, who, door="pop3")
    assert first[0].ok
    for door in ("imap", "pop3", "sieve", "submission"):
        answer = sessions.begin(narrow, who, door=door)[0]
        assert not answer.ok and TOO_MANY[door] in answer.text, answer
    # Postfix has no sessions: it only asks for the password.
    assert narrow.login("smtp", who.number, ip=who.owner).ok
    sessions.close(first)
    poll(lambda: sessions.begin(narrow, who)[0].ok, what="a place again")


@pytest.mark.parametrize("door", ["pop3", "sieve", "submission"])
def test_beside_each_other(narrow, door):
    """What auth let pass because they came at once, the mail plugin ends."""
    who = cast()
    answers = sessions.begin(narrow, who, 8, door=door)
    poll(lambda: sum(answers_still(a, door) for a in answers) == 1,
         what="one that lives")
    sessions.close(answers)


def answers_still(answer, door):
    """As sessions.is_alive(), of another protocol."""
    if not answer.ok:
        return False
    connection = answer.connection
    try:
        if door == "pop3":
            return connection.noop().startswith(b"+OK")
        if door == "submission":
            return connection.noop()[0] == 250
        return connection.noop().startswith("OK")
    except FAILURES:
        return False


def deliver(stack, who):
    """By LMTP."""
    with smtplib.LMTP(stack.env["LMTP_SOCKET"], local_hostname="x") as lmtp:
        lmtp.sendmail("a@elsewhere.example", [who.user],
                      b"Subject: x\r\n\r\nx\r\n")


def test_nothing_else_is_counted(narrow):
    """Mail comes in for who is at every limit, and doveadm works."""
    who = cast()
    first = sessions.begin(narrow, who)
    assert sessions.is_alive(first[0])
    at_once([functools.partial(deliver, narrow, who)] * 5)
    out = narrow.doveadm("mailbox", "status", "-u", who.user, "messages",
                         "INBOX")
    assert "messages=5" in out.stdout, out
    assert sessions.is_alive(first[0])
    sessions.close(first)


def test_observed():
    with Stack(users=3, policy="limit user { sessions = 1 mode = observe }\n") \
            as stack:
        answers = [stack.login("imap", 1, keep=True) for _ in range(3)]
        assert len(sessions.alive(answers)) == 3
        poll(lambda: [(e["verdict"], e["wanted"], e["reason"])
                      for e in stack.events("session") if "wanted" in e] ==
             [("admit", "deny", "sessions")] * 2,
             what="what would have been")
        sessions.close(answers)


def test_override():
    policy = 'limit user { sessions = 1 }\n' \
        'override user "user2@example.test" { user { sessions = 3 } }\n'
    with Stack(users=3, policy=policy) as stack:
        for number, count in ((1, 1), (2, 3)):
            answers = [stack.login("imap", number, keep=True)
                       for _ in range(5)]
            assert len(sessions.alive(answers)) == count
            sessions.close(answers)


# ---- what a full account costs ----------------------------------------------

ATTEMPTS = 60
ROUNDS = 4  # within the 300 logins that an account may make


def auth_seconds(stack, who, ok):
    """The auth process's CPU for each attempt, in the best of some rounds: other
    work on the machine makes single ones dearer."""
    rounds = []
    with stack.auth() as auth:
        pid = held.auth_pid(stack)
        for _ in range(ROUNDS):
            before = held.cpu_seconds(pid)
            ids = [auth.send(who.user, who.password, ip=who.owner)
                   for _ in range(ATTEMPTS)]
            assert all(auth.wait(i).ok == ok for i in ids)
            rounds.append((held.cpu_seconds(pid) - before) / ATTEMPTS)
    return min(rounds)


def test_full_account_costs_auth_little():
    """That each of its sessions is still there is not looked at for each attempt:
    an account full with many costs what one costs that is full with one."""
    few, many = cast(), cast()
    policy = f'override user "{few.user}" {{ user {{ sessions = 1 }} }}\n'
    with Stack(users=many.number, policy=policy) as stack:
        costs = []
        for who, count in ((few, 1), (many, SESSIONS)):
            begun = sessions.begin(stack, who, count)
            assert len(sessions.alive(begun)) == count
            costs.append(auth_seconds(stack, who, False))
            sessions.close(begun)
        print(f"{costs[0] * 1e6:.0f} us where the only seat is taken, "
              f"{costs[1] * 1e6:.0f} us where all {SESSIONS} are")
        assert costs[1] < 2 * costs[0], costs

"""lockstep top, on a terminal: what it shows, what it obeys, how it leaves."""

import signal

import pytest

from lib.attempts import attempt, guess, guess_calls, log_in, tick
from lib.cast import LIMIT, cast, networks
from lib.command import run
from lib.terminal import Terminal


@pytest.fixture(scope="module")
def attack(stack):
    """(one who guessed a few times, one who did until he was locked): the
    second at two accounts."""
    few, many, other = cast(), cast(), cast()
    with stack.auth() as auth:
        guess(auth, many, [many.guesser] * 4)
        guess(auth, other, [many.guesser] * (LIMIT - 4))
        for _ in range(7):
            log_in(auth, other, many.guesser, "late")
        tick()
        guess(auth, few, [few.guesser] * 3)
        assert log_in(auth, few, few.owner)
    return few, many


def rows(text, title):
    """The lines of a panel, up to the next one."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(title))
    return [line for line in lines[first + 1:first + 7] if line.strip()]


def first(text):
    """The first attacker; the screen may be half drawn."""
    return (rows(text, "ATTACKER") or [""])[0]


def top(stack, **size):
    return Terminal(["lockstep", "top"], stack.env, **size)


def test_shows_attackers_accounts_and_locks(stack, attack):
    few, many = attack
    with top(stack) as terminal:
        text = terminal.wait_for(lambda text: "q: quit" in text)
        attackers = rows(text, "ATTACKER")
        assert attackers[0].split()[:3] == [many.guesser, str(LIMIT), "7"]
        assert attackers[1].split()[:3] == [few.guesser, "3", "0"]
        assert any(few.user in line for line in rows(text, "ATTACKED"))
        locked, = [line for line in rows(text, "LOCKED")
                   if many.guesser in line]
        assert "failures" in locked
        assert "locks: 1 new, 1 in force" in text
        assert "sessions live" in text
        assert "imap" in text and "/min" in text
        assert all(len(line) <= 80 for line in text.splitlines())
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.is_restored()


def test_keys_sort_and_widen(stack, attack):
    few, many = attack
    with top(stack) as terminal:
        terminal.wait_for(lambda text: "by wrong" in text)
        terminal.type("l")
        terminal.wait_for(lambda text: "by last" in text and
                          first(text).startswith(few.guesser))
        terminal.type("r")
        terminal.wait_for(lambda text: "by refused" in text and
                          first(text).startswith(many.guesser))
        terminal.type("t")
        terminal.wait_for(lambda text: "last 1h" in text)
        terminal.type("t")
        terminal.wait_for(lambda text: "last 1m" in text)
        terminal.type("q")
        assert terminal.wait() == 0


def test_follows_what_happens(stack, attack):
    with top(stack, rows=40, columns=120) as terminal:
        terminal.wait_for(lambda text: "q: quit" in text)
        who = cast()
        with stack.auth() as auth:
            guess(auth, who, [who.guesser] * 2)
        terminal.wait_for(lambda text: who.guesser in text and
                          who.user in text)
        terminal.type("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaves_the_terminal_as_it_was(stack, attack, number):
    with top(stack, term="xterm") as terminal:
        terminal.wait_for(lambda _: b"ATTACKER" in terminal.raw)
        assert not terminal.is_restored()
        terminal.process.send_signal(number)
        assert terminal.wait() == 0
        assert terminal.is_restored()
        assert b"\x1b[?1049l" in terminal.raw


def test_refuses_what_it_cannot_do(stack):
    out = stack.lockstep("top")
    assert out.returncode == 1 and "wants a terminal" in out.stderr
    with top(stack, term="no-such-terminal") as terminal:
        assert terminal.wait() == 1
        assert "is not known" in terminal.screen.text()
    with top(stack, rows=10, columns=60) as terminal:
        terminal.wait_for(lambda text: "wants 80 columns" in text)
        terminal.type("q")
        assert terminal.wait() == 0


def test_shows_the_newest_of_many_locks(stack):
    """Wherever in the map they are."""
    run(stack, "lock", *networks(2000))
    newest = networks(6)
    for address in newest:
        run(stack, "lock", address)
    with top(stack) as terminal:
        def shown(text):
            return [line.split()[0] for line in rows(text, "LOCKED")]
        terminal.wait_for(lambda text: "q: quit" in text and
                          shown(text) == newest[::-1])
        terminal.type("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("columns", [80, 81])
def test_cut_names_are_seen_to_be_cut(stack, columns):
    """And what fits is not cut."""
    places = [f"{name}@example.test from 203.0.113.0/24"
              for name in ("user1", "user10")]
    names = ["n" * length + "@example.test" for length in (28, 29)]
    for place in places:
        run(stack, "lock", place)
    with stack.auth() as auth:
        attempt(auth, guess_calls(names, networks(len(names))))
    if columns == 80:
        places[1] = places[1][:35] + "..."
        names[1] = names[1][:38] + "..."
    with top(stack, columns=columns) as terminal:
        terminal.type("l")

        def shown(text, title, width):
            return {line[:width].rstrip() for line in rows(text, title)}
        terminal.wait_for(lambda text: "q: quit" in text and "by last" in text
                          and set(places) <= shown(text, "LOCKED",
                                                   columns - 41)
                          and set(names) <= shown(text, "ATTACKED",
                                                  columns - 38))
        terminal.type("q")
        assert terminal.wait() == 0

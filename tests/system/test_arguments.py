"""The command line as a program: what it takes and refuses, from whom, and what
it writes for other programs."""

import json
import re
import signal

import pytest

from lib.command import assert_fits, run
from lib.stack import Stack
from lib.terminal import Terminal

VERBS = ["status", "list", "explain", "events", "top", "lock", "unlock",
         "freeze", "release", "trust", "forget", "learn", "replay", "compile",
         "bench", "init", "verify"]
PRIVILEGED = [verb for verb in VERBS
              if verb not in ("learn", "replay", "compile", "bench")]


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        yield running


# ---- who may -------------------------------------------------------------


def test_every_verb_helps(stack):
    for verb in VERBS:
        out = run(stack, verb, "--help")
        assert out.startswith(f"usage: lockstep {verb}")
        assert_fits(out)
        assert stack.lockstep(verb, "--no-such-option").returncode == 2


def test_unprivileged_user_is_refused(stack):
    """Clearly, and before anything is done."""
    arguments = {"explain": ["joe"], "lock": ["10.0.0.1"],
                 "unlock": ["10.0.0.1"], "freeze": ["joe"],
                 "release": ["joe"], "trust": ["10.0.0.1"], "forget": ["joe"]}
    stack.dir.chmod(0o711)
    for verb in PRIVILEGED:
        out = stack.run("setpriv", "--reuid=65533", "--regid=65533",
                        "--clear-groups", "lockstep", verb,
                        *arguments.get(verb, []))
        said = out.stdout + out.stderr
        assert out.returncode == 1, (verb, out)
        if verb == "top":
            assert "wants a terminal" in said
        else:
            assert "ermission denied" in said, (verb, out)
            who = "only root may" if verb == "init" else \
                "only root and the group"
            assert who in said, (verb, out)
    out = stack.run("setpriv", "--reuid=65533", "--regid=65533",
                    "--clear-groups", "lockstep", "unlock", "--guess")
    assert out.returncode == 1


# ---- a terminal ----------------------------------------------------------


def test_password_is_hidden_before_it_is_asked_for(stack):
    """And the terminal shows what is typed again, however that ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Terminal(["lockstep", "unlock", "--guess"],
                      stack.env) as terminal:
            terminal.wait_for(lambda text: "The wrong password:" in text)
            terminal.type("at once")  # read by nobody, shown to nobody
            assert not terminal.is_restored()
            terminal.process.send_signal(number)
            assert terminal.wait() == -number
            assert terminal.is_restored()
            assert "at once" not in terminal.screen.text()


# ---- for other programs --------------------------------------------------


def test_version_says_what_it_was_built_against(stack):
    text = run(stack, "--version")
    for name in ("Dovecot", "libsodium", "tinycdb", "libcurl", "jansson",
                 "libConfuse", "ncurses"):
        assert re.search(rf"^  {name} +\d", text, re.M), text
    assert "ABI 2." in text

"""What bash makes of a lockstep command line at <TAB>: a real one on a terminal,
which splits the line its own way and puts there what was offered."""

import pathlib

import pytest

from lib.command import run
from lib.stack import Stack
from lib.terminal import Terminal

COMPLETION = (pathlib.Path(__file__).resolve().parents[2] /
              "tools/lockstep/completion.bash")
PROMPT = "ready> "
NO_COLON, NO_AT = "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}", "shopt -u hostcomplete"
AT_ALONE = NO_AT + "; COMP_WORDBREAKS=$COMP_WORDBREAKS@"
SETTINGS = ["", NO_COLON, NO_AT, AT_ALONE]


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        run(running, "lock", "2001:db8:a::/64", "2001:db8:b:1::/64",
            "198.51.100.7", "joe@example.org")  # an account first: a place
        run(running, "freeze", "joan@example.org", "ann@example.net")
        yield running


@pytest.fixture
def complete(stack, tmp_path):
    """A function that types keys after `lockstep ` and returns all lines on the
    terminal then: the last ends in "#", which is typed last, where the cursor
    was."""
    def typed(keys, setting=""):
        start = tmp_path / "bashrc"
        start.write_text(f"PS1='{PROMPT}'\n. {COMPLETION}\n{setting}\n")
        env = dict(stack.env, INPUTRC="/dev/null", HISTFILE="")
        with Terminal(["bash", "--noprofile", "--rcfile", start, "-i"],
                      env) as terminal:
            terminal.wait_for(lambda text: PROMPT.strip() in text)
            terminal.type(f"lockstep {keys}#")
            text = terminal.wait_for(lambda text: "#" in text)
            return [line.replace(f"{PROMPT}lockstep ", "")
                    for line in text.splitlines() if line]
    return typed


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("keys, line", [
    ("unlock joe@example.o\t", "unlock joe@example.org #"),
    ("unlock joe@\t", "unlock joe@example.org #"),
    ("unlock jo\t", "unlock joe@example.org #"),
    ('unlock "joe@exa\t', 'unlock "joe@example.org" #'),
    ("unlock 2001:db8:a\t", "unlock 2001:db8:a::/64 #"),
    ("unlock 2001:db8:a:\t", "unlock 2001:db8:a::/64 #"),
    ("unlock 198.51.100.7 2001:db8:b:1::\t",
     "unlock 198.51.100.7 2001:db8:b:1::/64 #"),
    ("unlock 2\t", "unlock 2001:db8:#"),
    ("unlock joe@x 19\t", "unlock joe@x 198.51.100.7 #"),
    ("explain joe@example.org fr\t", "explain joe@example.org from #"),
])
def test_words_that_bash_splits(complete, keys, line, setting):
    assert complete(keys, setting) == [line]


@pytest.mark.parametrize("setting, offered", [
    ("", "a::/64 b:1::/64"),
    (NO_COLON, "2001:db8:a::/64 2001:db8:b:1::/64"),
])
def test_several_are_listed(complete, setting, offered):
    lines = complete("unlock 2001:db8:\t\t", setting)
    assert lines[-1] == "unlock 2001:db8:#"
    assert [" ".join(line.split()) for line in lines[1:-1]] == \
        [offered]


@pytest.mark.parametrize("keys, behind, line", [
    ("unlock joe@", "example.org", "unlock joe@example.org#example.org"),
    ("unlock joe", "@x", "unlock joe@example.org#@x"),
    ("unlock 2001:db8:a", ":x", "unlock 2001:db8:a::/64#:x"),
    ("unlock 2001:db8:a:", ":x", "unlock 2001:db8:a::/64#:x"),
])
def test_word_that_goes_on_behind_the_cursor(complete, keys, behind, line):
    """Bash replaces what is before it."""
    back = "\x02" * len(behind)
    assert complete(f"{keys}{behind}{back}\t") == [line]


def test_frozen_accounts_are_released(complete):
    """unlock would not end a freeze."""
    assert complete("release joan@\t") == ["release joan@example.org #"]
    assert complete("release an\t") == ["release ann@example.net #"]
    assert complete("unlock an\t") == ["unlock an#"]
    assert complete("release joe\t") == ["release joe#"]

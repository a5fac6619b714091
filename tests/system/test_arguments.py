"""The command line as a program: what it takes and refuses, from whom, and what
it writes for other programs."""

import json
import pathlib
import re
import signal

import pytest

from lib.cast import cast
from lib.command import assert_fits, run
from lib.stack import Stack
from lib.terminal import Terminal

VERBS = ["status", "list", "explain", "events", "top", "lock", "unlock",
         "freeze", "release", "trust", "forget", "learn", "replay", "compile",
         "bench", "init", "verify"]
PRIVILEGED = [verb for verb in VERBS
              if verb not in ("learn", "replay", "compile", "bench")]

TOP = pathlib.Path(__file__).resolve().parents[2]
COMPLETION = TOP / "tools/lockstep/completion.bash"
MANUAL = TOP / "doc/lockstep.1.in"
CONF = TOP / "doc/lockstep.conf.5.in"


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


def options_of(stack, verb):
    """As its help lists them."""
    lines = re.findall(r"^ +(?:-\w, )?(--.*?)(?:  |$)",
                       run(stack, verb, "--help"), re.M)
    return set(re.findall(r"--[a-z-]+", " ".join(lines)))


def test_completion_offers_what_there_is(stack):
    """All options of every verb, as its help has them, and every verb."""
    for verb in VERBS:
        offered = stack.run("bash", "-c",
                            f". {COMPLETION}; _lockstep_options {verb}").stdout
        assert set(offered.split()) == \
            options_of(stack, verb) | {"--help"}, verb
    said = run(stack, "--help")
    assert re.findall(r"^  ([a-z]+) ", said, re.M) == re.search(
        r'local verbs="([a-z\s]+)"', COMPLETION.read_text())[1].split()
    assert set(re.findall(r"^  ([a-z]+) ", said, re.M)) == set(VERBS)


def test_manual_has_what_there_is(stack):
    """Every verb and every option."""
    page = MANUAL.read_text().replace("\\-", "-")
    verbs = re.findall(r"^\.It Cm (\w+)", page, re.M)
    assert set(VERBS) <= set(verbs)
    for verb in VERBS:
        for option in options_of(stack, verb):
            assert f"Fl {option[1:]}" in page or \
                f", {option[1:]}" in page, (verb, option)


def test_every_event_is_told_of(stack):
    """By its word, wherever words of events stand."""
    said = stack.lockstep("events", "--type", "?").stderr
    events = said.partition("one of ")[2].strip().split(", ")
    assert len(events) > 10
    offered = stack.run("bash", "-c", f". {COMPLETION}; _lockstep_values "
                        "--type").stdout.split()
    assert sorted(offered) == sorted(events)
    helped = re.search(r"--type TYPE(.*?)--", run(stack, "events", "--help"),
                       re.S)[1]
    assert sorted(re.findall(r"[a-z-]+", helped)) == sorted(events)
    for page, begin in ((MANUAL, ".It Fl -type"), (CONF, ".It Ic events")):
        text = page.read_text().partition(begin)[2].partition(".It")[0]
        for event in events:
            assert re.search(rf"(^\.(Cm|Ql)|,) {event}\b(?!-)", text, re.M), \
                (page, event)
    webhooks = (TOP / "doc/webhook.md").read_text()
    for event in events:
        assert f"`{event}`" in webhooks, event


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
    for words in ("unlock --guess", "unlock --all --yes", "learn /dev/null",
                  "learn -n /dev/null"):
        out = stack.run("setpriv", "--reuid=65533", "--regid=65533",
                        "--clear-groups", "lockstep", *words.split())
        assert out.returncode == 1
        assert "only root and the group" in out.stderr, out


# ---- what makes no sense -------------------------------------------------

USER, NET = "joe@example.test", "10.0.0.0/24"
SENSELESS = [  # a command line, and what is said of it
    ("nonsense", 'no verb "nonsense"'), ("lok", 'did you mean "lock"'),
    ("top --json", "lockstep top: unrecognized option '--json'"),
    ("lock", "usage: lockstep lock"),
    ("lock 10.0.0.1 10.0.0.1/8", "do you mean 10.0.0.0/8"),
    ("lock 10.0.0.1 10.0.0.0/23", "an address or 10.0.0.0/24"),
    ("lock 10.0.0.1 10.0.0.256", "10.0.0.256: neither an address nor"),
    ("lock 10.0.0.1 10.0.0", "10.0.0: neither an address nor a network"),
    ("lock 10.0.0.1:993", "10.0.0.1:993: neither an address nor"),
    ("lock unknown[10.0.0.1]", "unknown[10.0.0.1]: neither an address nor"),
    ("lock 10.0.0.*", "10.0.0.*: neither an address nor"),
    ("lock 10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9: neither an address nor"),
    ("lock 10.0.0.1,10.0.0.2", "neither an address nor a network"),
    ("lock [2001:db8::1]:993", "[2001:db8::1]:993: neither an address nor"),
    ("lock fe80::1%eth0", "fe80::1%eth0: neither an address nor a network"),
    ("lock joe from", "a place is an account from an address"),
    ("unlock joe from 10.0.0.1 from 10.0.0.2",
     "a place is an account from an address"),
    ("lock 10.0.0.1 10.0.0.0/33", "10.0.0.0/33: neither an address nor"),
    ("lock 10.0.0.1 2001:db8:::1", "2001:db8:::1: neither an address nor"),
    ("lock 10.0.0.1 --for 0s", "--for 0s: not a duration"),
    ("lock 10.0.0.1 --for 400d", "from 1s to 366d"),
    ("lock --end 10.0.0.1", "lockstep lock: unrecognized option '--end'"),
    ("freeze 10.0.0.1", "10.0.0.1: not an account"),
    ("release 10.0.0.0/24", "not an account"),
    ("trust 10.0.0.1 " + USER, "only an address or a network can be trusted"),
    ("trust --end --for 1h 10.0.0.1", "lockstep trust --end"),
    ("unlock --all --guess", "lockstep unlock [--reason TEXT] --guess"),
    ("unlock --all 10.0.0.1", "usage: lockstep unlock"),
    ("unlock --yes 10.0.0.1", "usage: lockstep unlock"),
    ("forget a b", "b: there is an account already"),
    ("forget joe from x", "x: neither an address nor a network"),
    ("forget 10.0.0.1 from 10.0.0.2", "10.0.0.2: there is an address already"),
    ("explain joe in 10.0.0.1", "usage: lockstep explain"),
    ("explain joe jim", "jim: there is an account already"),
    ("explain 10.0.0.0/8", "nothing is metered by this length"),
    ("explain joe from 10.0.0.0/28", "an address or 10.0.0.0/24"),
    ("list lock", 'did you mean "locks"'),
    ("list joe", "there are: locks, trusted"),
    ("list familiar --kind user", "--kind: nothing in list familiar has one"),
    ("list trusted --since 1h", "--since: nothing in list trusted has one"),
    ("list locks a b", "b: there is an account already"),
    ("events 10.0.0.1 10.0.0.2", "10.0.0.2: there is an address already"),
    ("events --user a b", "b: there is an account already"),
    ("events -n x", "usage: lockstep events"),
    ("compile --check --dump", "usage: lockstep compile [-c|-d]"),
    ("init --subjects 5", "a number from 1024"),
    ("status x", "usage: lockstep status"), ("verify x", "usage:"),
    ("replay -p a -c b c", "usage: lockstep replay"),
    ("events --user=", "--user: an empty name"),
    ("events --kind seat", "--kind seat: one of ip, net, user, place, guess, "),
    ("replay -w odd x", "--passwords odd: stale, new or same"),
    ("replay", "usage: lockstep replay"), ("learn", "usage: lockstep learn"),
]


def test_what_makes_no_sense(stack):
    """Told, with an exit code of its own, and nothing is done: not even the
    half that does."""
    for line, want in SENSELESS:
        out = stack.lockstep(*line.split(" "))
        assert (out.returncode, out.stdout) == (2, ""), (line, out)
        assert want in out.stderr, (line, out)
    out = stack.lockstep("lock", "10.0.0.1", "")
    assert out.returncode == 2 and "an empty name" in out.stderr
    assert stack.locks() == [] and stack.events() == []


@pytest.mark.parametrize("words", ["--help", "--version", "list", "explain joe",
                                   "list --help", "status --json"])
def test_what_cannot_be_written_is_told(stack, words):
    out = stack.run("sh", "-c", f"lockstep {words} >/dev/full")
    assert out.returncode == 1
    assert out.stderr == "lockstep: cannot write to standard output\n"


def test_names_are_taken_as_they_are_shown(stack):
    """With the backslash doubled, and control characters escaped."""
    for name, shown in (("corp\\joe", r"corp\\joe"),
                        ("a\x1b[31m\x7f", r"a\x1b[31m\x7f"),
                        ("corp\\xabi", r"corp\\xabi"),
                        ("j\u00f6rg", "j\u00f6rg")):
        run(stack, "lock", "--user", name)
        assert shown in run(stack, "list", "locks", shown)
        lock, = json.loads(f"[{run(stack, 'list', '--json')}]")
        assert lock["subject"] == name
        assert run(stack, "unlock", shown) == f"user {shown} is unlocked\n"
        for words in ([shown, "from", "10.0.0.1"],
                      [f"{shown} from 10.0.0.1"]):
            assert json.loads(run(stack, "explain", "--json",
                                  *words))["user"] == name
        run(stack, "freeze", shown)
        assert f"{shown} is released" in run(stack, "release", name)


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


def test_status_fits_and_parses(stack):
    """Whatever a client called itself: names are cut in the middle of a
    character."""
    before = json.loads(run(stack, "status", "--json"))["last_hour"]
    with stack.auth() as auth:
        who = cast()
        assert not auth.login(who.user, "wrong", ip=who.guesser,
                              service="\u00e4" * 6).ok
    run(stack, "lock", who.guesser, "--reason", "x" * 40)
    run(stack, "freeze", who.user, "--reason", "x" * 40)
    # The stack's paths are longer than those of a server.
    text = run(stack, "status").replace(str(stack.dir), "/var/lib/lockstep") \
        .replace(stack.env["STATE_DIR"], "/run/lockstep")
    assert_fits(text)
    counts, = re.findall(r"\n(\d+) locks?, (\d+) freezes?, ", text)
    assert list(map(int, counts)) == [before["locks"] + 1, before["freezes"] + 1]
    assert "\n           2 locks, " in text
    told = json.loads(run(stack, "status", "--json"))
    assert told["last_hour"]["services"]["\u00e4" * 5 + r"\xc3"]["wrong"] == 1
    assert told["last_hour"]["freezes"] == before["freezes"] + 1
    assert told["guard"]["locks"] == 2
    for name in (who.user, who.guesser):
        head, _, _ = run(stack, "explain", name).rpartition("\n\n")
        assert "\n           by admin (" in head
        assert_fits(head)
    run(stack, "release", who.user)
    run(stack, "unlock", "--all", "--yes")


def test_version_says_what_it_was_built_against(stack):
    text = run(stack, "--version")
    for name in ("Dovecot", "libsodium", "tinycdb", "libcurl", "jansson",
                 "libConfuse", "ncurses"):
        assert re.search(rf"^  {name} +\d", text, re.M), text
    assert "ABI 2." in text

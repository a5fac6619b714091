"""What `lockstep status` takes for trouble, and what it does not."""

import json
import pathlib
import re
import shutil

import pytest

from lib import processes
from lib.cast import USERS, cast
from lib.command import run
from lib.stack import Stack, poll

MINUTE, DAY = 60, 86400
PATIENCE = 15 * MINUTE  # until somebody should have logged in


@pytest.fixture
def stack():
    with Stack(users=USERS) as running:
        yield running


def problems(out):
    return re.findall("^problem +(.*)", out.stdout, re.M)


def of(stack, what, later=0):
    """The problems that begin with this word, and the exit code: now, or as it
    will be. Then, lockstepd has not been seen for as long."""
    out = stack.run("unshare", "--time", "--boottime", str(later), "lockstep",
                    "status")
    found = [line for line in problems(out) if line.startswith(what)]
    assert out.stderr == "" and out.returncode == bool(problems(out)), out
    return found


# ---- does anybody ask? ----------------------------------------------------


def test_auth_takes_over_new_maps(stack):
    """After an init, by itself; and nobody has asked them before somebody logs in."""
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    assert of(stack, "Dovecot", later=30 * DAY) == []  # nobody came since
    run(stack, "init")
    assert of(stack, "Dovecot", later=PATIENCE - MINUTE) == []
    said, = of(stack, "Dovecot: its auth has never", later=PATIENCE + 2)
    assert re.match("Dovecot: its auth has never asked this guard, which is 15 "
                    "min old: see whether doveconf", said)
    poll(lambda: stack.login("imap", who.number, ip=who.owner).ok and
         of(stack, "Dovecot", later=PATIENCE + 2) == [],
         what="a login on the new maps")
    poll(lambda: of(stack, "") == [], what="a status without problems")


def test_not_in_dovecots_configuration(stack):
    """Nor has one that was made by lockstepd alone."""
    stack.stop("dovecot")
    run(stack, "init")
    stack.stop("lockstepd")
    stack.start("lockstepd")
    poll(lambda: of(stack, "") == [], what="a status without problems")
    said, = of(stack, "Dovecot", later=PATIENCE + 2)
    assert "see whether doveconf -n passdb has lockstep first" in said


# ---- webhooks ---------------------------------------------------------------


def test_messages_given_up(stack):
    """For a day: then it was seen, or nobody looks."""
    most, more = 1000, 7  # the outbox holds
    stack.webhook_answers(503)
    assert of(stack, "webhook: ") == []
    addresses = [f"10.{i // 250}.{i % 250}.1" for i in range(most + more)]
    run(stack, "lock", *addresses)

    def given_up():
        return [line for line in of(stack, "webhook: ") if "given up" in line]

    poll(given_up, what="the problem")
    poll(lambda: re.match(f"webhook: {more} messages given up, the last "
                          r"\d+ s ago", given_up()[0]), what="all of them")
    assert "given up" in "".join(of(stack, "webhook: ", later=DAY - MINUTE))
    assert of(stack, "webhook: ", later=DAY + MINUTE) == []


# ---- the configuration ------------------------------------------------------

# As on a server: the configuration, and what is made of it, where they belong.
AT_HOME = """
mount --bind {etc} /etc
mount --bind {var} /var/lib
unset LOCKSTEP_POLICY
exec {prefix} lockstep {verb}
"""
ANYBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"


def test_edited_but_not_compiled(stack):
    """Also a file that is included, or one that went."""
    etc, var = stack.dir / "etc", stack.dir / "var"
    (etc / "lockstep/conf.d").mkdir(parents=True)
    (var / "lockstep").mkdir(parents=True)
    for name in ("group", "passwd", "nsswitch.conf"):
        shutil.copy(f"/etc/{name}", etc)
    conf = etc / "lockstep/lockstep.conf"
    more = etc / "lockstep/conf.d/10-more.conf"
    conf.write_text(pathlib.Path(stack.env["LOCKSTEP_CONF"]).read_text() +
                    'include("conf.d")\n')
    more.write_text("limit ip { logins = 700/5m }\n")

    def at_home(verb, prefix=""):
        script = AT_HOME.format(etc=etc, var=var, verb=verb, prefix=prefix)
        return stack.run(*processes.namespace(script))

    def told(prefix=""):
        out = at_home("status", prefix)
        assert "policy     /var/lib/lockstep/policy.cdb" in out.stdout, out
        return "includes, says other than this: run lockstep compile" in \
            out.stdout

    assert at_home("compile").returncode == 0
    assert not told()
    text = more.read_text()
    for change in (lambda: more.write_text(text + "mode = observe\n"),
                   lambda: more.write_text(text + "mode = what\n"),
                   more.unlink):
        change()
        assert told()
        more.write_text(text)
        assert not told()
    # Who may not read all of it cannot know.
    stack.dir.chmod(0o711)
    for mode in (0o600, 0o644):
        more.chmod(mode)
        assert not told(ANYBODY)
    more.write_text(text + "trusted = { 10.9.0.0/16 }\n")
    assert told() and told(ANYBODY)
    assert at_home("compile").returncode == 0
    assert not told()


# ---- the maps ---------------------------------------------------------------


def test_maps_that_the_policy_wants_otherwise(stack):
    """Told by every compile, until they are made anew; no problem for status."""
    conf = pathlib.Path(stack.env["LOCKSTEP_CONF"])
    group = re.search(r'^(group = (".*")\n)', conf.read_text(), re.M)
    text = conf.read_text().replace(group[1], "")
    room = json.loads(run(stack, "status", "--json"))["guard"]["subjects"]
    usual, others = group[1], 'group = "adm"\nreaders = "daemon"\n'
    smaller = usual + "subjects = 4096\njournal-size = 2048\n"

    def notes(words):
        """The same ones by compile, status and its JSON."""
        conf.write_text(words + text)
        out = stack.lockstep("compile", conf)
        assert out.returncode == 0, out
        said = re.findall("note: (.*) is (.*), the maps in use have (.*) "
                          'until "lockstep init"', out.stderr)
        assert len(said) == len(out.stderr.splitlines())
        assert said == re.findall(
            "^note +(.*) is (.*) in the policy, the maps have (.*):\n",
            stack.lockstep("status").stdout, re.M)
        told = json.loads(stack.lockstep("status", "--json").stdout)
        assert said == [(at["key"], at["policy"], at["maps"])
                        for at in told["guard"].get("differs", [])]
        return said

    assert notes(usual) == []
    for _ in range(2):
        assert notes(smaller) == [("subjects", "4096", str(room)),
                                  ("journal-size", "2048", "65536")]
        assert of(stack, "") == []
    assert notes(usual) == []
    assert notes(others) == [("group", '"adm"', group[2]),
                             ("readers", '"daemon"', '""')]
    run(stack, "init")
    assert notes(others) == []
    assert notes(usual) == [("group", group[2], '"adm"'),
                            ("readers", '""', '"daemon"')]
    run(stack, "init", "--subjects", "4096")
    assert [key for key, _, _ in notes(usual)] == ["subjects"]

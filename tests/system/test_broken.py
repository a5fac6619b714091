"""Whatever is missing or spoilt, mail goes on, one line in the log says what is
wrong, and `lockstep status` says it too.

Each case spoils servers of its own and waits until every part of them has noticed and
has mended itself: some twenty stacks, one after the other, in half a minute."""

import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

from lib import dovecot, mail
from lib.cast import LIMIT, Cast, at_once, guesses
from lib.clients import DOORS
from lib.postfix import filters
from lib.stack import Stack, poll

TESTS = pathlib.Path(__file__).parent.parent
VERSION_AT = 8  # where a map's header has its version


def path(stack, name):
    return pathlib.Path(stack.env[name])


def guard_file(stack):
    return path(stack, "STATE_DIR") / "guard"


def remove_state(stack):
    shutil.rmtree(stack.env["STATE_DIR"])


def restore_state(stack):
    path(stack, "STATE_DIR").mkdir()


def open_state(stack):
    path(stack, "STATE_DIR").chmod(0o777)


def close_state(stack):
    path(stack, "STATE_DIR").chmod(0o755)


def truncate_guard(stack):
    os.truncate(guard_file(stack), guard_file(stack).stat().st_size // 2)


def empty_guard(stack):
    os.truncate(guard_file(stack), 0)


def truncate_sessions(stack):
    sessions = guard_file(stack).with_name("sessions")
    os.truncate(sessions, sessions.stat().st_size // 2)


def fill_guard(stack):
    guard_file(stack).write_bytes(os.urandom(1 << 20))


def other_version(stack):
    with guard_file(stack).open("r+b") as guard:
        guard.seek(VERSION_AT)
        guard.write((77).to_bytes(4, "little"))


def make_maps_anew(stack):
    out = stack.lockstep("init")
    assert out.returncode == 0, out


def remove_policy(stack):
    path(stack, "POLICY").unlink()


def fill_policy(stack):
    path(stack, "POLICY").write_bytes(b"no policy at all\n" * 1000)


def compile_policy(stack):
    out = stack.lockstep("compile", "-o", stack.env["POLICY"],
                         stack.env["LOCKSTEP_CONF"])
    assert out.returncode == 0, out


# What is spoilt, how, by which words it is known, and what mends it.
TROUBLES = {
    "state directory missing": (
        remove_state, r"state directory {STATE_DIR}: No such file or directory",
        restore_state),
    "state directory that anybody may write": (
        open_state, r"state directory {STATE_DIR}: anybody may write to it "
        r"\(mode 0777\) and so put a map there: chmod o-w", close_state),
    "guard truncated": (
        truncate_guard, r"{STATE_DIR}/guard: \d+ bytes where \d+ are due: "
        "truncated", make_maps_anew),
    "guard empty": (
        empty_guard, "{STATE_DIR}/guard: too short for a map: truncated",
        make_maps_anew),
    "guard garbage": (
        fill_guard, "{STATE_DIR}/guard: not a map of Lockstep's",
        make_maps_anew),
    "guard of another version": (
        other_version, r"{STATE_DIR}/guard: map version 77, this program has "
        r"\d+; restart every user of it after \"lockstep init\"",
        make_maps_anew),
    "policy missing": (
        remove_policy, "{POLICY}: no such file", compile_policy),
    "policy garbage": (
        fill_policy, "{POLICY}: not a compiled policy", compile_policy),
}
LOGS = ("DOVECOT_LOG", "LOCKSTEPD_LOG", "FILTER_LOG")


class Logs:
    """What is logged from now on."""

    def __init__(self, stack):
        self.stack = stack
        self.begin = {name: path(stack, name).stat().st_size for name in LOGS}

    def lines(self, name, words):
        """Those with the words, in which {NAME} is a variable of the stack."""
        pattern = words.format_map(
            {k: re.escape(v) for k, v in self.stack.env.items()})
        with path(self.stack, name).open(errors="replace") as log:
            log.seek(self.begin[name])
            return [line for line in log.read().splitlines()
                    if re.search(pattern, line)]

    def complaints(self):
        """Everything in Dovecot's log that is at all unusual."""
        return [line for line in self.lines("DOVECOT_LOG", "")
                if "lockstep: " in line or dovecot.is_trouble(line)]


def run_alone(script):
    """Python, where what it mounts is its own."""
    return subprocess.run(["unshare", "--mount", "--propagation", "private",
                           sys.executable, "-c", script], text=True,
                          env=os.environ | {"PYTHONPATH": str(TESTS)},
                          capture_output=True, check=False)


def mail_flows(stack, ip):
    answers = at_once(functools.partial(stack.login, door, 1, ip=ip)
                      for door in DOORS)
    for door, answer in zip(DOORS, answers):
        assert answer.ok, (door, answer)
    answers = at_once(functools.partial(stack.login, door, 1, "wrong", ip=ip)
                      for door in DOORS)
    for door, answer in zip(DOORS, answers):
        assert not answer.ok and answer.stage == "login", (door, answer)
    with mail.Client(stack, ip=ip) as client:
        assert client.send("user1@example.test", sender="a@elsewhere.example")
    assert mail.send(stack, Cast(1), "a@elsewhere.example", ip=ip)


def status_says(stack, words):
    out = stack.lockstep("status")
    problems = [line for line in out.stdout.splitlines()
                if line.startswith("problem")]
    pattern = words.format_map({k: re.escape(v) for k, v in stack.env.items()})
    return out.returncode == 1 and len(problems) == 1 and \
        re.search(pattern, problems[0]) is not None


def is_well(stack):
    return stack.lockstep("status").returncode == 0


def guards_again(stack, ip):
    """Ten wrong passwords, and the right one is refused."""
    answers = at_once(functools.partial(stack.login, "imap", 2, word, ip=ip)
                      for word in guesses(LIMIT))
    assert not any(answer.ok for answer in answers)
    return not stack.login("pop3", 2, ip=ip).ok


def test_all_is_well():
    with Stack() as stack:
        mail_flows(stack, "192.0.2.1")
        out = stack.lockstep("status")
        assert out.returncode == 0, out
        assert "problem" not in out.stdout and out.stderr == ""
        for word in ("policy ", "guard ", "logins ", "lockstepd ", "sessions "):
            assert word in out.stdout
        assert stack.lockstep("verify").returncode == 0


UNGUARDED = r"auth: Error: lockstep: logins pass unguarded: .*" \
    "; it is tried again each second"
UNRECORDED = r" (imap|pop3|managesieve|submission)\b.*: Error: lockstep: " \
    "sessions are not recorded: "


def check_lines(lines, words):
    """One of auth, and one of each kind of mail process."""
    assert len([line for line in lines if re.search(UNGUARDED, line)]) == 1
    kinds = [re.search(UNRECORDED, line) for line in lines
             if not re.search(UNGUARDED, line)]
    assert all(kinds) and len({kind[1] for kind in kinds}) == len(kinds), lines
    assert len(words) == len(lines), (words, lines)


@pytest.mark.parametrize("trouble", [trouble for trouble in TROUBLES
                                     if "directory" not in trouble])
def test_before_the_start(trouble):
    """Once it is mended, guarding begins: nothing has to be started again."""
    spoil, words, mend = TROUBLES[trouble]
    parts = ("lockstepd", "postfix", "dovecot")
    with Stack() as stack:
        for part in parts:
            stack.stop(part)
        spoil(stack)
        logs = Logs(stack)
        for part in reversed(parts):
            stack.start(part)
        mail_flows(stack, "192.0.2.1")
        mail_flows(stack, "198.51.100.1")
        check_lines(poll(logs.complaints, what="auth's line"),
                    logs.lines("DOVECOT_LOG", words))
        poll(lambda: len(logs.lines("LOCKSTEPD_LOG", words)) == 1,
             what="lockstepd's line")
        # One for each filter, and each smtpd has one.
        said = logs.lines("FILTER_LOG", words)
        assert said and len(said) == len(
            {re.search(r"lockstep-policy\[(\d+)\]", line)[1] for line in said})
        assert status_says(stack, words)

        mend(stack)
        poll(lambda: "policy and guard are open: logins are guarded again" in
             stack.dovecot_log(), what="auth's word that it guards")
        poll(lambda: is_well(stack), what="a status without problems")
        assert guards_again(stack, "192.0.2.99")


def test_state_directory_missing_before_the_start():
    """Dovecot makes it, with the maps, whoever else may not."""
    with Stack(daemon=False) as stack:
        stack.stop("postfix")
        stack.stop("dovecot")
        remove_state(stack)
        stack.start("dovecot")
        assert guards_again(stack, "192.0.2.99")
        state = path(stack, "STATE_DIR").stat()
        assert (state.st_uid, state.st_mode & 0o777) == (0, 0o755)
        assert [line for line in stack.dovecot_log().splitlines()
                if "unguarded" in line] == []


def test_auth_says_at_once_that_it_does_not_guard():
    """Its user may not open the maps that are made while it runs: it says so, and so
    does status, until it is started again."""
    with Stack(policy='auth-user = ""\n') as stack:
        stack.stop("dovecot")
        empty_guard(stack)
        stack.start("dovecot")
        assert stack.login("imap", 1, ip="192.0.2.1").ok
        make_maps_anew(stack)
        poll(lambda: status_says(stack, "auth process .* has no guard open, and "
                                 "logins pass unguarded: .*/guard: permission "
                                 "denied"), what="a status that says it")
        assert stack.login("imap", 1, "wrong", ip="192.0.2.1").stage == "login"
        assert stack.doveadm("reload").returncode == 0
        # The process that ends may still take one.
        poll(lambda: stack.login("imap", 1, ip="192.0.2.1").ok and
             stack.events("login"), what="a login that is guarded")
        poll(lambda: is_well(stack), what="a status without problems")
        make_maps_anew(stack)
        poll(lambda: status_says(stack, "auth process .* works on a guard that "
                                 "was replaced"), what="a status that says it")
        assert guards_again(stack, "198.51.100.99")  # as before
        assert re.search("auth: Error: lockstep: what was open before goes on: "
                         ".*/guard: permission denied", stack.dovecot_log())


@pytest.mark.parametrize("spoil,words", [
    (truncate_guard, TROUBLES["guard truncated"][1]),
    (empty_guard, TROUBLES["guard empty"][1]),
    (truncate_sessions,
     r"{STATE_DIR}/sessions: \d+ bytes where \d+ are due: truncated"),
])
def test_truncated_while_in_use(spoil, words):
    with Stack() as stack:
        mail_flows(stack, "192.0.2.1")
        pids = stack.master("dovecot"), stack.master("lockstepd")
        logs = Logs(stack)
        spoil(stack)
        mail_flows(stack, "192.0.2.1")
        mail_flows(stack, "198.51.100.1")
        for pid in pids:
            assert pid.alive()
        if spoil is not truncate_sessions:
            poll(lambda: logs.lines(
                "DOVECOT_LOG", "auth: Error: lockstep: a map in {STATE_DIR} "
                'was truncated while in use: run "lockstep init"'),
                what="auth's line")
        poll(lambda: logs.lines("LOCKSTEPD_LOG", "truncated"),
             what="lockstepd's line")
        assert status_says(stack, words)
        make_maps_anew(stack)
        poll(lambda: "policy and maps were opened anew" in stack.dovecot_log(),
             what="auth's word")
        poll(lambda: is_well(stack), what="a status without problems")
        assert guards_again(stack, "192.0.2.99")


def test_state_directory_removed_while_in_use():
    """The next mail process makes it and the maps anew, as root; auth goes on with what
    it has, and takes those over."""
    with Stack() as stack:
        remove_state(stack)
        mail_flows(stack, "192.0.2.1")
        poll(lambda: "policy and maps were opened anew" in stack.dovecot_log(),
             what="auth's word")
        poll(lambda: is_well(stack), what="a status without problems")
        assert guards_again(stack, "198.51.100.99")


@pytest.mark.parametrize("trouble", ["policy missing", "policy garbage"])
def test_removed_while_in_use(trouble):
    """What runs goes on with what it has open, locks and all."""
    spoil, words, _ = TROUBLES[trouble]
    with Stack() as stack:
        logs = Logs(stack)
        spoil(stack)
        mail_flows(stack, "192.0.2.1")
        assert guards_again(stack, "198.51.100.99")
        assert status_says(stack, words)
        poll(lambda: len(logs.lines("LOCKSTEPD_LOG", words)) == 1,
             what="lockstepd's line")


# A policy on a disk that is full, a guard that auth's user may not open.
ON_A_FULL_DISK = """
import os, pathlib, subprocess
from lib.stack import Stack, poll

with Stack(policy='auth-user = ""\\n', daemon=False) as stack:
    stack.stop("dovecot")
    policy = pathlib.Path(stack.env["POLICY"])
    compiled = policy.read_bytes()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k,mode=755", "none",
                    policy.parent], check=True)
    policy.write_bytes(compiled)
    subprocess.run(["dd", "if=/dev/zero", f"of={policy.parent}/fill"])
    os.truncate(stack.env["STATE_DIR"] + "/guard", 0)
    stack.start("dovecot")
    assert stack.login("imap", 1, ip="192.0.2.1").ok
    assert stack.lockstep("init").returncode == 0
    print(stack.lockstep("status").stdout)
    os.unlink(policy.parent / "fill")
    poll(lambda: "logins pass unguarded" in stack.lockstep("status").stdout,
         what="what auth says of itself, once there is room")
    stack.stop("dovecot")
    subprocess.run(["umount", policy.parent], check=True)
"""


def test_unguarded_on_a_full_disk():
    """Auth has no room to say that it does not guard: status knows that much, and the
    rest when there is room again."""
    out = run_alone(ON_A_FULL_DISK)
    assert out.returncode == 0, out
    assert re.search("^problem .*whether its auth process guards cannot be told"
                     ".* is the disk full", out.stdout, re.M), out


GONE = "lockstepd is not running: logins are guarded, but no webhooks are " \
    "sent and no snapshots saved"


def daemon_lines(stack, text):
    """Auth looks for lockstepd when somebody logs in, now and then."""
    stack.login("imap", 1, ip="192.0.2.1")
    return [line for line in stack.dovecot_log().splitlines() if text in line]


def test_lockstepd_down():
    with Stack() as stack:
        stack.master("lockstepd").signal(signal.SIGKILL)
        poll(lambda: status_says(stack, "lockstepd: down, last seen"),
             what="a status that says it")
        mail_flows(stack, "192.0.2.1")
        assert guards_again(stack, "198.51.100.99")
        poll(lambda: daemon_lines(stack, GONE), what="auth's line")
        mail_flows(stack, "192.0.2.1")
        assert len(daemon_lines(stack, GONE)) == 1
        stack.start("lockstepd")
        poll(lambda: is_well(stack), what="a status without problems")
        poll(lambda: daemon_lines(stack, "lockstepd is running again"),
             what="auth's line")


def test_lockstepd_never_started():
    with Stack(daemon=False) as stack:
        mail_flows(stack, "192.0.2.1")
        assert guards_again(stack, "198.51.100.99")
        out = stack.lockstep("status")
        problems = re.findall("^problem +(.*)", out.stdout, flags=re.M)
        assert out.returncode == 1 and len(problems) == 2, out
        assert problems[0].startswith("lockstepd: has not run yet")
        # Which is what makes this file.
        assert re.match(r"\S+/contacts: no such file", problems[1]), out


def test_not_the_first_passdb():
    """Behind another passdb nothing is guarded; that must not look well."""
    with Stack() as stack:
        conf = path(stack, "DOVECOT_CONF")
        passdb = dovecot.syntax().passdb
        first = passdb("lockstep")
        before = passdb(**dovecot.either(
            {"driver": "verified"}, {"name": "before", "driver": "verified"}))
        assert first in conf.read_text()
        conf.write_text(conf.read_text().replace(first, before + first))
        assert stack.doveadm("reload").returncode == 0
        line = "passdb lockstep is not the first: passwords are verified " \
            "that nobody counts"

        def noticed():
            stack.login("imap", 1, "wrong", ip="203.0.113.66")
            return line in stack.dovecot_log()

        poll(noticed, what="auth's line")
        assert status_says(stack, "Dovecot: passdb lockstep is not the first")
        assert stack.dovecot_log().count(line) == 1


# ---- lockstep-policy -----------------------------------------------------


def test_lockstep_policy_killed():
    """The next question gets a new one."""
    with Stack() as stack:
        assert stack.lockstep("lock", "203.0.113.66").returncode == 0
        for _ in range(3):
            assert stack.connect("203.0.113.66").text.startswith("421")
            killed = filters(stack)
            assert killed
            before = stack.postfix_log().count("killed by signal 9")
            for process in killed:
                process.signal(signal.SIGKILL)
            poll(lambda: stack.postfix_log().count(
                "lockstep-policy killed by signal 9") ==
                before + len(killed), what="Postfix's line for each")
        assert stack.connect("203.0.113.66").text.startswith("421")
        mail_flows(stack, "192.0.2.1")
        assert "problem talking to server" not in stack.postfix_log()
        assert is_well(stack)


def test_lockstep_policy_missing():
    """Nobody is refused at CONNECT then; AUTH still decides."""
    with Stack() as stack:
        program = stack.layout().bin / "lockstep-policy"
        program.rename(program.with_name("away"))
        for process in filters(stack):
            process.signal(signal.SIGKILL)
        assert stack.lockstep("lock", "203.0.113.66").returncode == 0
        early = stack.connect("203.0.113.66", keep=True)
        assert early.ok
        assert not stack.login_on(early, 1).ok
        mail_flows(stack, "192.0.2.1")
        for line in (f"execvp {program}: No such file or directory",
                     "problem talking to server private/lockstep"):
            poll(lambda: line in stack.postfix_log(), what=line)
        program.with_name("away").rename(program)
        poll(lambda: not stack.connect("203.0.113.66").ok, what="a refusal")

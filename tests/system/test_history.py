"""What a Dovecot without Lockstep logged: the places in it become familiar, and
a replay of it tells of the attacker and of nobody else."""

import gzip
import json
import pathlib
import re
import subprocess
import time
import zlib

import pytest

from lib import dovecot
from lib.attempts import guess, locked, log_in, open_doors
from lib.cast import LIMIT, USERS, cast, guesses
from lib.clients import DOORS
from lib.stack import Stack

GUESSES = LIMIT + 4


@pytest.fixture(scope="module")
def people():
    """An owner, whom somebody guesses at, and a colleague."""
    return cast(), cast()


@pytest.fixture(scope="module")
def history(people, tmp_path_factory):
    """The logs of Dovecot and of Postfix, of a day without Lockstep."""
    owner, colleague = people
    # Dovecot's own brake would make the guesses too slow to be too many.
    with Stack(users=USERS, bare=True,
               dovecot=dovecot.NO_PENALTY) as before:
        for door in DOORS:
            assert before.login(door, owner.number, ip=owner.owner).ok
        assert before.login("imap", colleague.number, ip=owner.at6(3)).ok
        for i, word in enumerate(guesses(GUESSES)):
            door = list(DOORS)[i % len(DOORS)]
            assert not before.login(door, owner.number, word,
                                    ip=owner.guesser).ok
        assert len(before.verified(owner.number)) == len(DOORS) + GUESSES
        # Then all of it is written.
        before.stop("postfix")
        before.stop("dovecot")
        logs = tmp_path_factory.mktemp("history")
        (logs / "dovecot.log").write_text(before.dovecot_log())
        (logs / "postfix.log").write_text(before.postfix_log())
    return logs


@pytest.fixture
def stack():
    with Stack(users=USERS) as running:
        yield running


def lock_around(stack, owner):
    for subject in (owner.owner, owner.at(0, 0) + "/24", owner.user):
        assert stack.lockstep("lock", subject).returncode == 0


def test_learnt_places_are_familiar(stack, people, history):
    owner, colleague = people
    log = history / "dovecot.log"
    dry = stack.lockstep("learn", "--dry-run", log)
    assert dry.returncode == 0, dry
    assert dry.stdout == "2 places of 2 accounts would be familiar\n"
    with stack.auth() as auth:
        lock_around(stack, owner)
        assert not log_in(auth, owner, owner.owner)
        done = stack.lockstep("learn", log)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout == "2 places of 2 accounts are familiar\n"
        assert log_in(auth, owner, owner.at(0, 99))  # the place is the network
        assert not log_in(auth, owner, owner.stranger)
        assert not log_in(auth, colleague, owner.owner)
    assert open_doors(stack, owner, owner.owner) == set(DOORS)
    again = stack.lockstep("learn", log)
    assert "2 places of them were so before" in again.stdout


def test_what_was_before_the_boot_has_its_time(stack, tmp_path):
    """The maps' clock counts from the boot."""
    who = cast()
    past = time.time() - 20 * 86400
    log = tmp_path / "saved.json"
    log.write_text(json.dumps({
        "type": "login",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z",
                                   time.gmtime(past)),
        "data": {"user": who.user, "address": who.owner, "service": "imap",
                 "verdict": "admit", "outcome": "success"}}) + "\n")
    out = stack.lockstep("learn", log)
    assert (out.returncode, out.stderr) == (0, ""), out
    day = time.strftime("%Y-%m-%dT", time.gmtime(past))
    told = json.loads(stack.lockstep("list", "familiar", "--json",
                                     who.user).stdout)
    assert told["first_seen"].startswith(day)
    day = time.strftime("%b %e ", time.localtime(past))
    assert day in stack.lockstep("list", "familiar", who.user).stdout


def test_compressed_and_from_a_pipe(stack, people, history, tmp_path):
    owner = people[0]
    packed = tmp_path / "dovecot.log.1.gz"
    packed.write_bytes(gzip.compress((history / "dovecot.log").read_bytes()))
    done = stack.run("sh", "-c", 'lockstep learn - <"$0"', packed)
    assert (done.returncode, done.stderr) == (0, ""), done
    lock_around(stack, owner)
    with stack.auth() as auth:
        assert log_in(auth, owner, owner.owner)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(packed.read_bytes()[:-40])
    # What comes before the end of a file that was cut is taken, and the others.
    done = stack.lockstep("learn", "--dry-run", cut, packed)
    assert done.returncode == 1
    assert "cut.gz: ends within a compressed block; what" in done.stderr
    assert done.stdout == stack.lockstep("learn", "--dry-run", packed).stdout
    done = stack.lockstep("replay", "--json", cut, packed)
    assert done.returncode == 1 and '"summary"' in done.stdout
    done = stack.lockstep("learn", tmp_path)
    assert done.returncode == 1 and "nothing was learned" in done.stderr


def test_half_a_line_tells_nothing(stack, tmp_path):
    """A file may be cut within an address, which then reads as another."""
    who = cast()
    line = ("Nov 25 03:21:24 imap-login: Info: Login: user=<{}>, method=PLAIN, "
            "rip={}")
    whole = line.format(who.user, who.owner) + ", session=<x>\n"
    pack = zlib.compressobj(wbits=31)
    cut, log = tmp_path / "cut.gz", tmp_path / "whole.log"
    cut.write_bytes(pack.compress((whole + line.format(
        who.user, who.stranger[:-1])).encode()) + pack.flush(zlib.Z_SYNC_FLUSH))
    log.write_text(whole)
    out = stack.lockstep("replay", "--json", cut)
    assert out.returncode == 1, out
    summary, = (json.loads(text)["data"] for text in out.stdout.splitlines()
                if json.loads(text)["type"] == "summary")
    assert (summary["lines"], summary["lines_not_understood"]) == (1, 0)
    out = stack.lockstep("replay", "--learn", cut, log)  # nor with a good log
    assert out.returncode == 1 and "1 attempt from" in out.stdout, out
    assert "cut.gz: ends within a compressed block" in out.stderr
    out = stack.lockstep("learn", "--dry-run", cut)
    assert out.returncode == 1 and out.stdout.startswith("1 place of 1 "), out


def replay(stack, *args):
    out = stack.lockstep("replay", "--json", *args)
    assert (out.returncode, out.stderr) == (0, ""), out
    found = {}
    for line in out.stdout.splitlines():
        event = json.loads(line)
        found.setdefault(event["type"], []).append(event["data"])
    return found


def check_found(found, owner):
    summary, = found["summary"]
    assert summary["verified"] == LIMIT
    assert summary["refused"] == GUESSES - LIMIT
    assert summary["refused_right"] == 0
    assert summary["lines_not_understood"] == 0
    assert [lock["subject"] for lock in found["lock"]] == [owner.guesser]
    assert "hit" not in found


def test_replay_finds_the_attacker(stack, people, history):
    """Of Dovecot's log alone, and with Postfix's word on the same attempts."""
    owner = people[0]
    for logs in (["dovecot.log"], ["dovecot.log", "postfix.log"],
                 ["postfix.log", "dovecot.log"]):
        check_found(replay(stack, *[history / log for log in logs]), owner)
    assert not stack.locks()  # nothing of it is real


def test_replay_of_what_was_decided(stack, people, tmp_path):
    """The log and the journal of a server with Lockstep tell what it did."""
    owner = people[0]
    with stack.auth() as auth:
        assert log_in(auth, owner, owner.owner)
        guess(auth, owner, [owner.guesser] * GUESSES)
    assert ("ip", owner.guesser) in locked(stack)
    journal = tmp_path / "journal"
    journal.write_text(stack.lockstep("events", "--json").stdout)
    check_found(replay(stack, journal), owner)

    def subjects():
        found = replay(stack, stack.env["DOVECOT_LOG"])
        return [lock["subject"] for lock in found.get("lock", [])]

    stack.poll(lambda: subjects() == [owner.guesser],
               what="the lock, of Dovecot's log")


def test_replay_of_what_was_ordered(stack, people, tmp_path):
    """What was refused for an order was no guess: nobody looked at its password."""
    owner = people[1]
    journal = tmp_path / "journal"
    with stack.auth() as auth:
        assert log_in(auth, owner, owner.owner)
        stack.lockstep("lock", owner.user)
        for _ in range(2 * LIMIT):
            assert not log_in(auth, owner, owner.stranger)
        stack.lockstep("unlock", owner.user)
        assert log_in(auth, owner, owner.stranger)
    journal.write_text(stack.lockstep("events", "--json", owner.user).stdout)
    found = replay(stack, journal)
    assert "hit" not in found and "lock" not in found
    summary, = found["summary"]
    assert (summary["verified"], summary["refused"]) == (0, 0)


def test_other_limits(stack, people, history, tmp_path):
    """What another policy would have done, before it is in force."""
    conf = tmp_path / "lockstep.conf"
    conf.write_text('mode = "observe"\n'
                    'limit ip { failures = "3/1h, 0" }\n')
    found = replay(stack, "--conf", conf, history / "dovecot.log")
    assert found["summary"][0]["verified"] == 3
    for text, said in (("", ""), (
            "Nov 25 02:23:26 auth: Info: sql(joe,192.0.2.1): new words\n",
            "1 line of logins not understood")):
        (tmp_path / "before.log").write_text(text)
        out = stack.lockstep("replay", "--learn", tmp_path / "before.log",
                             history / "dovecot.log")
        assert out.returncode == 0 and said in out.stderr
        assert "nobody is familiar when the replay begins" in out.stderr
    conf.write_text("limit ip { failures = many }\n")
    out = stack.lockstep("replay", "--conf", conf, history / "dovecot.log")
    assert out.returncode == 1 and f"{conf}:1: " in out.stderr


def test_for_people(stack, people, history, tmp_path):
    owner = people[0]
    out = stack.lockstep("replay", history / "dovecot.log")
    assert out.returncode == 0, out
    assert all(len(line) <= 80 for line in out.stdout.splitlines())
    assert "\33" not in out.stdout
    assert owner.guesser in out.stdout
    assert "Nobody would have been hit wrongly." in out.stdout
    odd = tmp_path / "odd.log"
    odd.write_text((history / "dovecot.log").read_text() +
                   "Nov 25 02:23:26 auth: Info: sql(joe,192.0.2.1): \33[2Jnew\n")
    out = stack.lockstep("replay", odd)
    assert "1 line of logins not understood" in out.stderr
    assert "\\x1b[2Jnew" in out.stderr and "\33" not in out.stderr
    for path, said in ((tmp_path / "none", "No such file"),
                       (tmp_path, "a directory")):
        out = stack.lockstep("replay", path)
        assert out.returncode == 1 and said in out.stderr
    empty = tmp_path / "empty"
    empty.write_text("")
    out = stack.lockstep("replay", empty)
    assert out.returncode == 1 and "no attempt" in out.stderr
    long = tmp_path / "long"
    long.write_text("x" * 20000 + "\n" + "y" * 8193 + "\nz\n")
    assert "no attempt to log in, in 3 lines" in \
        stack.lockstep("replay", long).stderr
    assert stack.lockstep("replay").returncode == 2
    assert stack.lockstep("replay", "--passwords", "x", odd).returncode == 2


def summary_of(out):
    """The last line of `replay --json`, whatever went wrong."""
    line = json.loads(out.stdout.splitlines()[-1])
    assert line["type"] == "summary", out
    return line["data"]


STRANGE = ("25/Nov/2026:02:23:26 mx dovecot: imap-login: Login: user=<joe>, "
           "method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, session=<x>\n")


def test_nothing_is_understood(stack, history, tmp_path):
    """Every verb says so, and no exit code is that of a success."""
    log = tmp_path / "strange.log"
    log.write_text(STRANGE + "Nov 25 02:23:26 mx sshd[1]: hello\n")
    for args in (("learn",), ("learn", "--dry-run")):
        out = stack.lockstep(*args, log)
        assert (out.returncode, out.stdout) == (1, ""), out
        assert "1 line of logins not understood" in out.stderr
        assert STRANGE.strip() in out.stderr
        assert "no login was understood in 2 lines" in out.stderr
        assert "nothing was learned" in out.stderr
    out = stack.lockstep("replay", log)
    assert (out.returncode, out.stdout) == (1, ""), out
    assert STRANGE.strip() in out.stderr
    out = stack.lockstep("replay", "--json", log)
    assert out.returncode == 1
    assert json.loads(out.stdout.splitlines()[0]) == {
        "type": "not-understood", "data": {"line": STRANGE.strip()}}
    summary = summary_of(out)
    assert (summary["complete"], summary["lines"], summary["attempts"],
            summary["lines_not_understood"]) == (False, 2, 0, 1)
    assert "from" not in summary
    out = stack.lockstep("replay", "--json", "--learn", log,
                         history / "dovecot.log")
    assert out.returncode == 0 and STRANGE.strip() in out.stderr
    assert summary_of(out)["learn_lines_not_understood"] == 1
    assert summary_of(out)["complete"]


def test_json_ends_with_the_summary(stack, history, tmp_path):
    log = history / "dovecot.log"
    bad = tmp_path / "bad.conf"
    bad.write_text("limit ip { failures = many }\n")
    for args in (["/dev/null"], [tmp_path / "none"], [tmp_path],
                 ["--conf", bad, log], ["--policy", tmp_path / "none", log],
                 ["--learn", tmp_path / "none", log]):
        out = stack.lockstep("replay", "--json", *args)
        assert out.returncode == 1, (args, out)
        assert not summary_of(out)["complete"], args
    assert stack.lockstep("replay", "--json").stdout == ""


def test_from_standard_input(stack, history):
    for verb, said in (("learn", "2 places of 2 accounts are familiar"),
                       ("replay", "Nobody would have been hit wrongly.")):
        out = stack.run("sh", "-c", f'cat "$0" | lockstep {verb} -',
                        history / "dovecot.log")
        assert out.returncode == 0 and said in out.stdout, out


def test_a_log_in_which_nobody_logs_in(stack, tmp_path):
    """learn says why it learned nothing."""
    who = cast()
    log = tmp_path / "mail.log"
    log.write_text(f"Nov 25 02:23:26 auth: Info: sql({who.user},{who.guesser}): "
                   "Password mismatch\n")
    out = stack.lockstep("learn", log)
    assert (out.returncode, out.stdout) == (1, "")
    assert out.stderr == ("lockstep: no login in the log succeeded: there is "
                          "nothing to learn\n")


def test_a_connection_of_several_attempts(stack, tmp_path):
    """Each counts, though one line tells of them."""
    log = tmp_path / "mail.log"
    log.write_text("Nov 25 02:23:26 imap-login: Info: Disconnected: Connection "
                   "closed (auth failed, 3 attempts in 6 secs): user=<joe>, "
                   "method=PLAIN, rip=203.0.113.66, session=<x>\n")
    out = stack.lockstep("replay", log)
    assert out.stdout.startswith("1 line, 3 attempts from "), out
    summary = json.loads(stack.lockstep("replay", "--json", log).stdout
                         .splitlines()[-1])
    assert summary["data"]["attempts"] == 3


def test_failures_without_a_name(stack, tmp_path):
    """Are told of as such: nobody is called \"unknown\"."""
    who = cast()
    log, conf = tmp_path / "postfix.log", tmp_path / "lockstep.conf"
    log.write_text(
        f"Nov 25 02:23:26 mx postfix/smtpd[7]: warning: unknown[{who.guesser}]: "
        "SASL LOGIN authentication failed: UGFzc3dvcmQ6\n" * 30)
    conf.write_text('limit ip { failures = "50/1h, 0" }\n'
                    'limit net { failures = "50/1h, 0" }\n'
                    'limit user { failures = "5/1h, 0" }\n')
    out = stack.lockstep("replay", "--conf", conf, log)
    assert out.returncode == 0 and "unknown" not in out.stdout, out
    assert "failures without an account's name: 30" in out.stdout
    assert f"(no name) from {who.guesser}" in out.stdout
    lock, summary = map(json.loads, stack.lockstep(
        "replay", "--json", "--conf", conf, log).stdout.splitlines())
    assert lock["data"]["subject"] == f"(no name) from {who.guesser}"
    assert lock["data"]["nameless"] and "user" not in lock["data"]
    assert lock["data"]["refused"] == 25
    assert summary["data"]["failures_without_account"] == 30


def test_where_nothing_is_installed(stack, history, tmp_path):
    """What needs no state works, and says by which policy."""
    def lockstep(*args):
        return stack.run("env", f"LOCKSTEP_POLICY={tmp_path}/none/policy.cdb",
                         "lockstep", *args)
    note = (f"note: there is no policy {tmp_path}/none/policy.cdb: this is what "
            "the default one would have done")
    log = history / "dovecot.log"
    out = lockstep("replay", "--json", log)
    assert out.returncode == 0 and note in out.stderr, out
    presets = tmp_path / "empty.conf"
    presets.write_text("")
    assert out.stdout == lockstep("replay", "--json", "--conf", presets,
                                  log).stdout
    out = lockstep("learn", "--dry-run", log)
    assert (out.returncode, out.stdout) == \
        (0, "2 places of 2 accounts would be familiar\n")
    assert note in out.stderr
    # What wants a state says what to do; learn has nowhere to put its places.
    for args in (["learn", log], ["explain", "joe"], ["list"], ["list", "stale"],
                 ["list", "sessions"], ["events"], ["lock", "192.0.2.1"],
                 ["verify"], ["init"]):
        out = lockstep(*args)
        assert (out.returncode, out.stdout) == (1, ""), args
        assert out.stderr == (
            "lockstep: Lockstep is not set up here: there is no "
            f"{tmp_path}/none/policy.cdb; lockstep compile makes it, and then "
            "lockstep init the maps\n"), args
    # A policy that was asked for is not replaced by another.
    out = lockstep("--policy", tmp_path / "none", "replay", log)
    assert out.returncode == 1 and "no such file" in out.stderr
    assert lockstep("compile", "--check", presets).returncode == 0
    assert lockstep("compile", "--dump", presets).returncode == 0
    for verb in ("explain", "status", "learn", "lock"):
        out = lockstep(verb, "--help")
        assert out.returncode == 0 and out.stdout.startswith("usage: ")
    assert lockstep("--version").returncode == 0


def test_replay_that_is_killed(stack, history, tmp_path):
    """Nothing of its state is left, on a disk of memory above all."""
    log = tmp_path / "long.log"
    log.write_text((history / "dovecot.log").read_text() * 20000)
    removed = re.compile(r"(\S*/lockstep-replay\.\w+)/guard \(deleted\)")
    with subprocess.Popen(["lockstep", "replay", log], env=stack.env,
                          stdout=subprocess.DEVNULL) as replaying:
        maps = pathlib.Path(f"/proc/{replaying.pid}/maps")
        while not (found := removed.search(maps.read_text())):
            assert replaying.poll() is None, "it was too fast to be looked at"
        replaying.kill()
    assert not pathlib.Path(found[1]).exists()

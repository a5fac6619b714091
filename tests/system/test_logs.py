"""Logs as real programs write them, read by learn and replay: tests/logs, what this
machine's journalctl makes of a journal, and Postfix with the ports of its clients.

tests/unit/logs/test_logtable.c has every header with every message."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from lib import dovecot, mail, products
from lib.cast import USERS, cast, guesses
from lib.stack import Stack

LOGS = pathlib.Path(__file__).resolve().parents[1] / "logs"
# What is in them (tests/logs/README); one line may tell of several attempts.
ALL = {"attempts": 7, "successes": 2, "failures": 5, "lines_not_understood": 1}
DOVECOTS = {"attempts": 5, "successes": 1, "failures": 4,
            "lines_not_understood": 0}
# Where one message is no line: shown, and not read.
NONE = {"attempts": 0, "successes": 0, "failures": 0}
MADE = {
    "busybox-syslogd": ALL, "busybox-syslogd-S": ALL,
    "rsyslog-FileFormat": ALL, "rsyslog-SysklogdFileFormat": ALL,
    "rsyslog-SyslogProtocol23Format": ALL, "rsyslog-TraditionalFileFormat": ALL,
    "rsyslog-ForwardFormat": NONE | {"lines_not_understood": 1},
    "rsyslog-imfile": DOVECOTS,
    "syslog-ng": ALL, "syslog-ng-full": ALL, "syslog-ng-iso": ALL,
    "syslog-ng-protocol": ALL, "syslog-ng-unix": ALL,
    "multilog": DOVECOTS, "svlogd-t": DOVECOTS, "svlogd-tt": DOVECOTS,
    "svlogd-ttt": DOVECOTS,
}
MODES = {mode: ALL for mode in (
    "short", "short-full", "short-iso", "short-iso-precise", "short-precise",
    "short-monotonic", "short-unix", "with-unit", "json", "json-sse",
    "json-seq")}
MODES |= {mode: NONE | {"lines_not_understood": 7}
          for mode in ("verbose", "export", "json-pretty", "cat")}


@pytest.fixture(scope="module")
def lockstep(tmp_path_factory):
    """The program, where nothing is installed."""
    program = products.find(products.PROGRAMS["lockstep"])
    none = tmp_path_factory.mktemp("none") / "policy.cdb"

    def run(*args, stdin=None):
        return subprocess.run(
            [program, *map(str, args)], text=True, check=False, input=stdin,
            capture_output=True,
            env=os.environ | {"LOCKSTEP_POLICY": str(none), "TZ": "UTC"})
    return run


def summary_of(out, want):
    line = json.loads(out.stdout.splitlines()[-1])
    assert line["type"] == "summary", out
    return {key: line["data"][key] for key in want}


def check_read(lockstep, args, want, stdin=None):
    """By every verb, which say what they could not read."""
    replayed = lockstep("replay", "--json", *args, stdin=stdin)
    assert summary_of(replayed, want) == want, args
    learnt = lockstep("learn", "--dry-run", *args, stdin=stdin)
    read = want["attempts"] > 0
    assert (replayed.returncode == 0) == read
    assert (learnt.returncode == 0) == read, learnt
    for out in (replayed, learnt):
        unknown = want["lines_not_understood"]
        said = f"{unknown} line{'s' * (unknown != 1)} of logins not understood"
        assert (said in out.stderr) == (unknown > 0), out
    if read:
        places = want["successes"]
        assert learnt.stdout == (
            f"{places} place{'s' * (places > 1)} of {places} "
            f"account{'s' * (places > 1)} would be familiar\n")
        assert "boss" not in replayed.stdout.replace(
            "user=<boss@example.test>", "")  # but for the line that is shown


def test_there_is_no_other():
    assert set(MADE) | {"README", "mail.journal.gz"} == \
        {path.name for path in LOGS.iterdir()}


@pytest.mark.parametrize("name", MADE)
def test_made_by_real_programs(lockstep, tmp_path, name):
    log = tmp_path / name  # as old as it is says when it was written
    shutil.copyfile(LOGS / name, log)
    check_read(lockstep, [log], MADE[name])


@pytest.mark.parametrize("mode", MODES)
def test_journalctl(lockstep, tmp_path, mode):
    journal = tmp_path / "mail.journal"
    journal.write_bytes(gzip.decompress(
        (LOGS / "mail.journal.gz").read_bytes()))
    log = subprocess.run(["journalctl", "--file", journal, "--output", mode],
                         check=True, capture_output=True, text=True,
                         env=os.environ | {"TZ": "UTC"}).stdout
    check_read(lockstep, ["-"], MODES[mode], stdin=log)


def test_ports_of_postfix(lockstep):
    """smtpd_client_port_logging, on a real Postfix."""
    who, guesser = cast(), cast()
    with Stack(users=USERS, bare=True, dovecot=dovecot.NO_PENALTY,
               postfix=["smtpd_client_port_logging = yes"]) as stack:
        assert mail.send(stack, who, "a@elsewhere.example", ip=who.owner)
        for word in guesses(3):
            assert not stack.login("smtp", guesser.number, word,
                                   ip=guesser.guesser).ok
        stack.stop("postfix")
        log = stack.postfix_log()
    assert f"[{who.owner}]:" in log and f"[{guesser.guesser}]:" in log
    out = lockstep("replay", "--json", "-", stdin=log)
    want = {"attempts": 4, "successes": 1, "failures": 3,
            "failures_without_account": 0, "lines_not_understood": 0}
    assert summary_of(out, want) == want, log
    out = lockstep("learn", "--dry-run", "-", stdin=log)
    assert out.stdout == "1 place of 1 account would be familiar\n", out

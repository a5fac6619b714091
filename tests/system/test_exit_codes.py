"""The exit code of every verb, situation by situation, as the manual has them."""

import gzip
import os
import pathlib
import re
import subprocess

import pytest

from lib.stack import Stack

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "doc/lockstep.1.in"

GOOD = "Dec  1 10:00:00 mx dovecot: imap-login: Login: user=<joe@example.test>, " \
    "method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, mpid=1, TLS, session=<a>\n"
IP = "203.0.113.7"
USER = "joe@example.test"

# verb: {situation, as in the manual: (code, what comes before, command)}. In a
# directory with a state of its own; "well" is a server that runs.
TABLE = {
    "compile": {
        "the policy is in force, or the file could be": (0, [
            "compile -c conf"], "compile -o policy.cdb conf"),
        "the file has an error, or cannot be read": (1, [],
                                                     "compile -o policy.cdb bad"),
        "two files are named": (2, [], "compile conf conf")},
    "status": {
        "there is no problem": (0, [], "well status"),
        "there is one": (1, [], "status"),
        "a word that is none of its options": (2, [], "status joe")},
    "list": {
        "the list is shown, an empty one too": (0, [], "list"),
        "there is no map to read": (1, ["rm"], "list locks"),
        "there is no such list": (2, [], "list nonsense")},
    "explain": {
        "the answer is shown, a refusal too": (0, [f"lock {IP}"], f"explain {IP}"),
        "there is no map to read": (1, ["rm"], f"explain {IP}"),
        "no subject, or a network of another length": (2, [],
                                                       "explain 10.0.0.0/9")},
    "events": {
        "the events are shown, none too": (0, [], "events"),
        "there is no map to read": (1, ["rm"], "events"),
        "a filter that makes no sense": (2, [], "events --type nonsense")},
    "top": {
        "it was left": (0, [], "terminal top"),
        "there is no terminal, or no map to read": (1, [], "top"),
        "a word that is none of its options": (2, [], "top joe")},
    "lock": {
        "all are locked, those that were before too": (0, [f"lock {IP}"],
                                                       f"lock {IP}"),
        "the state cannot be changed": (1, ["rm policy"], f"lock {IP}"),
        "none is locked: one subject makes no sense": (2, [],
                                                       f"lock {IP} 192.0.2.256")},
    "unlock": {
        "all had a lock, or meters to empty": (0, [f"lock {IP}"], f"unlock {IP}"),
        "one had neither; the others are unlocked": (1, [f"lock {IP}"],
                                                     f"unlock 203.0.113.8 {IP}"),
        "-a, and nothing was locked": (1, [], "unlock -a -y"),
        "-a without -y, and no terminal to ask on": (2, [f"lock {IP}"],
                                                     "unlock -a"),
        "-g, and that password was not locked": (1, ["secret"],
                                                 "typed unlock -g"),
        "-g, and no password was read": (2, [], "unlock -g")},
    "freeze": {
        "all are frozen, those that were before too": (0, [f"freeze {USER}"],
                                                       f"freeze {USER}"),
        "the state cannot be changed": (1, ["rm policy"], f"freeze {USER}"),
        "none is frozen: one is no account": (2, [], f"freeze {USER} {IP}")},
    "release": {
        "there was something to end of all": (0, [f"freeze {USER}"],
                                              f"release {USER}"),
        "there was nothing to end of one": (1, [f"freeze {USER}"],
                                            f"release {USER} ann"),
        "none is released: one is no account": (2, [], f"release {IP}")},
    "trust": {
        "all are trusted; with -e, none any more": (0, [f"trust {IP}"],
                                                    f"trust -e {IP}"),
        "-e, and one was not trusted": (1, [], f"trust -e {IP}"),
        "none is trusted: one is no address": (2, [], f"trust {IP} joe")},
    "forget": {
        "a place was forgotten": (0, ["learn good"], f"forget {USER}"),
        "none was familiar": (1, [], f"forget {USER}"),
        "no subject": (2, [], "forget")},
    "learn": {
        "the files were read, and told of a login": (0, [], "learn good"),
        "no login, a file not read, or only a part of it": (1, [],
                                                            "learn good.cut"),
        "no file is named": (2, [], "learn")},
    "replay": {
        "the files were read, and told of an attempt": (0, [], "replay good"),
        "no attempt, a file not read, or only a part of it": (
            1, [], "replay good.cut"),
        "no file is named": (2, [], "replay")},
    "init": {
        "the maps are new": (0, [], "init"),
        "the old ones stay": (1, ["rm policy"], "init"),
        "a number of subjects that cannot be": (2, [], "init -s 1")},
    "verify": {
        "nothing was found": (0, [], "verify"),
        "something was, or there is no map to read": (1, ["damage"], "verify"),
        "a word that is none of its options": (2, [], "verify joe")},
    "bench": {
        # It takes a minute, and test_json.py runs it.
        "it was measured": (0, [], None),
        "it could not be": (1, [], "nowhere bench"),
        "a word that is none of its options": (2, [], "bench joe")},
}


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        yield running


class Private:
    """A directory with a policy and maps, and the commands of the table."""

    def __init__(self, stack, dir):
        self.stack, self.dir = stack, dir
        (dir / "state").mkdir()
        (dir / "conf").write_text(f'state-dir = "{dir}/state"\ngroup = ""\n'
                                  "subjects = 4096\njournal-size = 1024\n")
        (dir / "bad").write_text("no-such-key = 1\n")
        (dir / "good").write_text(GOOD)
        (dir / "good.cut").write_bytes(gzip.compress(GOOD.encode() * 99)[:-9])
        for words in ("compile -o policy.cdb conf", "init"):
            assert self.run(words).returncode == 0

    def run(self, words):
        how, _, rest = words.partition(" ")
        env = dict(self.stack.env, LOCKSTEP_POLICY=str(self.dir / "policy.cdb"))
        typed = ""
        if how == "well":
            return self.stack.lockstep(*rest.split())
        if how == "terminal":
            typed, rest = "q", f"script -qec 'lockstep {rest}' /dev/null"
            env["TERM"] = "vt100"
        elif how == "typed":
            typed, rest = "guess\n", f"lockstep {rest}"
        elif how == "nowhere":
            rest = f"ulimit -v 40000; lockstep {rest}"
        else:
            rest = f"lockstep {words}"
        return subprocess.run(["sh", "-c", rest], cwd=self.dir, env=env,
                              input=typed, text=True, capture_output=True,
                              check=False)

    def prepare(self, words):
        guard = self.dir / "state/guard"
        if words == "rm":
            guard.unlink()
        elif words == "rm policy":
            (self.dir / "policy.cdb").unlink()
        elif words == "secret":
            (self.dir / "state/secret").write_bytes(os.urandom(32))
        elif words == "damage":
            with guard.open("r+b") as file:
                file.seek(8192)
                file.write(b"\xff" * 65536)
        else:
            assert self.run(words).returncode == 0


@pytest.mark.parametrize("verb", TABLE)
def test_exit_codes(stack, tmp_path, verb):
    for number, (situation, (code, before, words)) in enumerate(
            TABLE[verb].items()):
        if words is None:
            continue
        dir = tmp_path / str(number)
        dir.mkdir()
        private = Private(stack, dir)
        for step in before:
            private.prepare(step)
        out = private.run(words)
        assert out.returncode == code, (situation, out)


def test_the_manual_has_the_table():
    page = MANUAL.read_text().partition(".Sh EXIT STATUS")[2]
    rows = re.findall(r"^\.It Cm (\w+) Ta (\d) Ta (.*)$",
                      page.partition("\n.Sh ")[0], re.M)
    assert rows == [(verb, str(code), situation)
                    for verb, situations in TABLE.items()
                    for situation, (code, _, _) in situations.items()]


def test_every_verb_has_rows(stack):
    """0, and each of the others."""
    verbs = re.findall(r"^  ([a-z]+) ", stack.lockstep("--help").stdout, re.M)
    assert verbs and set(verbs) == set(TABLE)
    for verb, situations in TABLE.items():
        assert {code for code, _, _ in situations.values()} == {0, 1, 2}, verb

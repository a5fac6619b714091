"""Maps larger than what Dovecot lets its processes have: vsz_limit as it comes, 256 MB.

To raise a limit needs CAP_SYS_RESOURCE, which root in most containers does not have. There
the tests that need it run under a kernel of their own, where root is root
(user-mode-linux), or are left out, loudly."""

import imaplib
import os
import pathlib
import re
import subprocess

import pytest

from lib import dovecot, products, uml
from lib.cast import LIMIT, at_once
from lib.stack import Stack, poll, right_password, user_name

SUBJECTS = 2000000
EVENTS = 250000
MESSAGES = 20000
GUESSES = LIMIT + 5

needs_root = pytest.mark.skipif(
    not uml.is_root() and not uml.is_there(),
    reason="left out: needs CAP_SYS_RESOURCE, or user-mode-linux")


def on_real_root(function):
    """Here, or under a kernel where root may do it."""
    def run():
        if uml.is_root():
            function()
        else:
            uml.run_test(pathlib.Path(__file__), function.__name__)
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return needs_root(run)


def limit_of(process):
    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    return int(re.search(r"^Max address space +(\d+)", limits, re.M)[1])


def mapped(process, name):
    """Bytes of the map, as the process has it."""
    found = 0
    for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().split("\n"):
        if line.endswith(f"/{name}"):
            first, last = line.split()[0].split("-")
            found += int(last, 16) - int(first, 16)
    return found


def process_of(stack, name):
    return next(process for process in stack.processes()
                if pathlib.Path(f"/proc/{process.pid}/comm").read_text()
                == f"{name}\n")


def verified_wrong(stack, ip):
    with stack.auth() as auth:
        before = len(stack.verified())
        ids = [auth.send(user_name(1), f"no-{i}", ip=ip)
               for i in range(GUESSES)]
        assert not any(auth.wait(i).ok for i in ids)
        return len(stack.verified()) - before


@on_real_root
def test_two_million_subjects():
    """All of them guarded, exactly, sessions too; and nobody has a byte less or more for
    himself than Dovecot gave him."""
    with Stack(policy=f"subjects = {SUBJECTS}\n") as stack:
        assert stack.run("doveconf", "-c", stack.env["DOVECOT_CONF"], "-h",
                         "default_vsz_limit").stdout == \
            dovecot.default("default_vsz_limit") + "\n"
        assert verified_wrong(stack, "192.0.2.66") == LIMIT
        kept = stack.login("imap", 1, ip="192.0.2.1", keep=True)
        assert kept.ok
        poll(lambda: [session["user"] for session in stack.sessions()] ==
             [user_name(1)], what="the session")
        kept.close()
        auth = process_of(stack, "auth")
        maps = mapped(auth, "guard") + mapped(auth, "sessions")
        assert maps > 400 << 20
        assert 256 << 20 < limit_of(auth) - maps < 257 << 20  # and the policy
        poll(lambda: stack.lockstep("status").returncode == 0,
             what="a status without problems")


def fill(stack, number, count):
    """A mailbox of so many messages, as user<number>'s own."""
    assert stack.login("imap", number, ip="192.0.2.1").ok
    box = stack.dir / "mail" / f"user{number}" / "Maildir"
    owner = (stack.dir / "mail").stat()
    for name in ("", "cur", "new", "tmp"):
        directory = box / name
        directory.mkdir(parents=True, exist_ok=True)
        os.chown(directory, owner.st_uid, owner.st_gid)
    text = "".join(f"X-Line-{i}: {'word ' * 10}\n" for i in range(10)) + \
        "From: a@example.test\nSubject: one of many\n\ntext\n"
    for i in range(count):
        message = box / "new" / f"{1700000000 + i}.M{i}.mx"
        message.write_text(text)
        os.chown(message, owner.st_uid, owner.st_gid)


@on_real_root
def test_large_mailbox_beside_a_large_journal():
    """What an imap process has for its mail is what it had without the maps."""
    with Stack(policy=f"journal-size = {EVENTS}\n") as stack:
        fill(stack, 1, MESSAGES)
        with imaplib.IMAP4("127.0.0.1", int(stack.env["IMAP_PORT"])) as client:
            client.login(user_name(1), right_password(1))
            kind, data = client.select()
            assert (kind, int(data[0])) == ("OK", MESSAGES)
            kind, data = client.fetch("1:*", "(ENVELOPE BODYSTRUCTURE)")
            assert (kind, len(data)) == ("OK", MESSAGES)
            kind, data = client.sort("SUBJECT", "UTF-8", "ALL")
            assert kind == "OK"
        assert "Out of memory" not in stack.dovecot_log()
        assert "Cannot allocate" not in stack.dovecot_log()


# ---- where nobody may raise it ---------------------------------------------


@pytest.mark.skipif(uml.is_root(), reason="root may raise the limit here")
def test_says_at_once_what_has_no_room():
    """The guard does not fit into auth, and nothing here can help that: its log and
    status say it at once, with the figures."""
    with Stack(policy=f"subjects = {SUBJECTS}\n") as stack:
        line = "/guard: its 2[78][0-9] MB do not fit into the 256 MB of address " \
            "space that this process may have"
        poll(lambda: re.search("auth: Error: lockstep: logins pass unguarded: "
                               f"map .*{line}", stack.dovecot_log()),
             what="auth's line")
        out = stack.lockstep("status")
        assert out.returncode == 1
        assert re.search("^problem .* has no guard open, and logins pass "
                         f"unguarded: map .*{line}", out.stdout, re.M), out


@pytest.mark.skipif(uml.is_root(), reason="root may raise the limit here")
def test_says_that_mail_has_no_room():
    """The guard fits, and the sessions do not."""
    with Stack(policy="subjects = 524288\njournal-size = 230000\n") as stack:
        assert all(answer.ok for answer in at_once(
            lambda door=door: stack.login(door, 1, ip="192.0.2.1")
            for door in ("imap", "pop3") for _ in range(5)))
        for name in ("imap", "pop3"):
            poll(lambda name=name: re.search(
                rf" {name}\b.*Error: lockstep: sessions are not recorded: map "
                r".*/sessions: its \d+ MB do not fit", stack.dovecot_log()),
                what=f"{name}'s line")
        assert len(re.findall(r" imap\b.*Error: lockstep",
                              stack.dovecot_log())) == 1
        out = stack.lockstep("status")
        assert out.returncode == 1
        assert re.search("^problem .* imap goes without the sessions map: map ",
                         out.stdout, re.M), out


# ---- what this machine has no room for -------------------------------------

IN_A_SMALL_PLACE = """
mount -t tmpfs -o size=8m,mode=755 none {state}
{cli} compile {conf} || echo "code $?"
sed -i 's/^subjects.*/subjects = 4096/; s/^journal.*/journal-size = 4096/' {conf}
{cli} compile {conf} && {cli} init && {cli} status
sed -i 's/^subjects.*/subjects = 30000/' {conf}
{cli} compile {conf} || echo "code $?"
{cli} init --subjects 30000 || echo "code $?"
ls {state}
"""


def test_no_room_on_the_file_system(tmp_path):
    """Refused with the line and the figures, before anything is changed; new maps need
    room beside those in use."""
    state, conf = tmp_path / "state", tmp_path / "lockstep.conf"
    state.mkdir()
    conf.write_text(f'state-dir = "{state}"\n\nsubjects = 65536\n'
                    "journal-size = 4096\n")
    cli = f"{products.find(products.PROGRAMS['lockstep'])} -p " \
        f"{tmp_path / 'policy.cdb'}"
    script = IN_A_SMALL_PLACE.format(state=state, conf=conf, cli=cli)
    out = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = out.stdout
    assert f"{conf}:3: subjects = 65536 and journal-size = 4096: the maps " \
        f"take 17 MB, and the file system of {state} has 8 MB free\ncode 1\n" \
        in said, said
    assert "New maps: room for 4102 subjects" in said, said
    assert re.search(f"{conf}:3: subjects = 30000 and journal-size = 4096: the "
                     r"maps take \d+ MB, and the file system of \S+ has \d MB "
                     "free\ncode 1", said), said
    assert re.search(r"lockstep: the maps take \d+ MB, and the file system of "
                     r"\S+ has \d MB free\ncode 1", said), said
    assert said.endswith("guard\nsessions\n"), said

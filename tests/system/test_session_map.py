"""Mail processes, which run with a mail user's rights, write the sessions map
and nothing else; and whatever becomes of that map, sessions go on."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from lib import sessions
from lib.cast import USERS, at_once, cast
from lib.stack import Stack, poll

UID = 59999  # a mail user's, who is in no group of Lockstep's
HEADER = 4096
PORTIONS = 64
DOORS = ("imap", "pop3", "sieve", "submission")

# What a mail user might try. Prints what worked.
ATTEMPTS = """
import os, sys
state = sys.argv[1]
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
guard, own = state + "/guard", sys.argv[3]
def cut():
    with open(guard, "rb") as file:
        os.ftruncate(file.fileno(), 0)
attempts = {
    "write": lambda: os.open(guard, os.O_RDWR),
    "append": lambda: os.open(guard, os.O_WRONLY | os.O_APPEND),
    "empty": lambda: os.open(guard, os.O_WRONLY | os.O_TRUNC),
    "truncate": lambda: os.truncate(guard, 0),
    "ftruncate": cut,
    "unlink": lambda: os.unlink(guard),
    "rename": lambda: os.rename(guard, state + "/other"),
    "replace": lambda: os.rename(own, guard),
    "link": lambda: os.link(own, state + "/guard2"),
    "create": lambda: os.open(state + "/.lock2", os.O_CREAT | os.O_WRONLY),
    "lock": lambda: os.open(state + "/.lock", os.O_RDWR),
    "mode": lambda: os.chmod(guard, 0o666),
    "secret": lambda: os.open(state + "/secret", os.O_RDONLY),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except OSError:
        pass
"""


def map_file(stack, name):
    return pathlib.Path(stack.env["STATE_DIR"]) / name


def run_mail_as(stack, uid):
    """Mail processes get a user of their own: that of the stack is
    lockstep-policy's too, which may write the guard."""
    conf = pathlib.Path(stack.env["DOVECOT_CONF"])
    text, count = re.subn(r"\b([ug]id) ?= ?\d+", rf"\1={uid}",
                          conf.read_text())
    assert count >= 2
    conf.write_text(text + "first_valid_uid = 1\n")
    mail = conf.parent / "mail"
    for path in [mail, *mail.rglob("*")]:
        os.chown(path, uid, uid)
    assert stack.doveadm("reload").returncode == 0


@pytest.fixture(scope="module")
def others():
    """Mail processes run as UID."""
    with Stack(users=USERS) as stack:
        stack.dir.chmod(0o755)
        run_mail_as(stack, UID)
        poll(lambda: stack.login("imap", cast().number).ok,
             what="Dovecot again")
        yield stack


def imap_pid(stack, who):
    pid, = poll(lambda: sessions.pids(stack, who), what="its process")
    return pid


def test_mail_user_cannot_change_guard(others):
    own = others.dir / "mail/mine"
    own.write_bytes(b"x" * HEADER)
    os.chown(own, UID, UID)
    before = map_file(others, "guard").stat()
    out = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, map_file(others, "guard").parent,
         str(UID), own], text=True, check=True, stdout=subprocess.PIPE)
    assert out.stdout == ""
    after = map_file(others, "guard").stat()
    assert (after.st_ino, after.st_size, after.st_mode) == \
        (before.st_ino, before.st_size, before.st_mode)


@pytest.mark.parametrize("door, program", [
    ("imap", "imap"), ("pop3", "pop3"), ("submission", "submission"),
    ("sieve", "managesieve")])
def test_mail_process_maps_guard_to_read(others, door, program):
    """Nor could it, had it been taken over by its client."""
    who = cast()
    answer = others.login(door, who.number, keep=True)
    assert answer.ok
    pid, = [s["pid"] for s in others.sessions() if s["user"] == who.user]
    proc = pathlib.Path(f"/proc/{pid}")
    assert (proc / "comm").read_text().strip() == program
    assert f"Uid:\t{UID}\t{UID}\t{UID}" in (proc / "status").read_text()
    maps = re.findall(r"^\S+ (\S+) .*/(guard|sessions)\n(?:\w+: .*\n)*?"
                      r"VmFlags: (.*)", (proc / "smaps").read_text(), re.M)
    assert sorted((name, rights) for rights, name, _ in maps) == \
        [("guard", "r--s"), ("sessions", "rw-s")]
    # "mw": mprotect() might allow it.
    assert [("mw" in flags.split(), name) for _, name, flags in maps
            if name == "guard"] == [(False, "guard")]
    # No descriptor of either is left, to write or at all.
    names = [os.readlink(fd) for fd in (proc / "fd").iterdir()]
    assert not [n for n in names if n.endswith(("/guard", "/sessions"))]
    answer.close()


# ---- a map that is not as it should be -----------------------------------


def remove(file):
    file.unlink()


def fill(file):
    """With random bytes, all of it."""
    with file.open("r+b") as out:
        size = out.seek(0, os.SEEK_END)
        out.seek(0)
        out.write(os.urandom(size))


def fill_body(file):
    """All but what is looked at when it is opened."""
    with file.open("r+b") as out:
        size = out.seek(0, os.SEEK_END) - HEADER
        out.seek(HEADER)
        for at in range(PORTIONS):
            out.write(os.urandom((at + 1) * size // PORTIONS -
                                 at * size // PORTIONS))


def be_directory(file):
    """Root may write whatever has a mode; not this."""
    file.unlink()
    file.mkdir()


def be_link(file):
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def empty(file):
    os.truncate(file, 0)


def other_version(file):
    with file.open("r+b") as out:
        out.seek(8)
        out.write((77).to_bytes(4, "little"))


def begin_everywhere(stack, who):
    answers = [stack.login(door, who.number, ip=who.owner, keep=True)
               for door in DOORS]
    assert all(a.ok for a in answers), answers
    assert sessions.is_alive(answers[0])
    return answers


def is_sound(stack):
    return not re.search(r"Panic|assertion failed|killed with signal|"
                         r"core dumped|Error: .*(imap|pop3|submission)",
                         stack.dovecot_log())


def lines_about(stack, words):
    """What each program said of it, at error level or any other."""
    return {name: [line for line in pathlib.Path(stack.env[name])
                   .read_text(errors="replace").splitlines()
                   if re.search(words, line)]
            for name in ("DOVECOT_LOG", "LOCKSTEPD_LOG")}


def check_once(lines):
    """Each program says a thing once: one process a minute of each mail service."""
    said = [re.search(r" (\w+)[^ ]*: (\w+: lockstep: .*)", line).groups()
            for line in lines]
    assert len(set(said)) == len(said), lines


def freeze_ends(stack, who, answers):
    assert stack.lockstep("freeze", who.user).returncode == 0
    poll(lambda: not any(sessions.is_alive(a) for a in answers[:1]),
         what="its end")
    assert stack.lockstep("release", who.user).returncode == 0


@pytest.mark.parametrize("spoil, words", [
    (remove, None),
    (empty, "/sessions: too short for a map"),
    (fill, "/sessions: not a map of Lockstep's"),
    (be_directory, "open .*/sessions: Is a directory"),
    (be_link, "open .*/sessions: Too many levels of symbolic links"),
    (other_version, "/sessions: map version 77"),
    (fill_body, None),
])
def test_before_the_start(spoil, words):
    who = cast()
    with Stack(users=who.number) as stack:
        for part in ("dovecot", "lockstepd"):
            stack.stop(part)
        began = {name: len(lines) for name, lines in
                 lines_about(stack, words or "sessions").items()}
        spoil(map_file(stack, "sessions"))
        for part in ("lockstepd", "dovecot"):
            stack.start(part)
        answers = begin_everywhere(stack, who)
        more = sessions.begin(stack, who, 10)
        assert len(sessions.alive(more)) == 10
        freeze_ends(stack, who, answers)
        assert is_sound(stack)
        if words is not None:
            poll(lambda: lines_about(stack, words)["LOCKSTEPD_LOG"],
                 what="lockstepd's line")
            lines = {name: lines[began[name]:]
                     for name, lines in lines_about(stack, words).items()}
            assert len(lines["LOCKSTEPD_LOG"]) == 1, lines
            check_once(lines["DOVECOT_LOG"])
        sessions.close(answers + more)


@pytest.mark.parametrize("spoil", [remove, empty, fill, fill_body, be_directory,
                                   be_link, other_version])
def test_while_in_use(spoil):
    """Those that are live go on, and others begin; then all of them end."""
    who, late = cast(), cast()
    with Stack(users=late.number) as stack:
        answers = begin_everywhere(stack, who)
        spoil(map_file(stack, "sessions"))
        assert sessions.is_alive(answers[0])
        others = begin_everywhere(stack, late)
        more = at_once([lambda: begin_everywhere(stack, late)] * 3)
        assert sessions.is_alive(answers[0])
        freeze_ends(stack, who, answers)
        freeze_ends(stack, late, others)
        sessions.close(answers + others + sum(more, []))
        # Again, with a process that opened what is there now.
        sessions.close(begin_everywhere(stack, who))
        for command in (["list", "sessions"], ["status"], ["events"],
                        ["explain", who.user]):
            out = stack.lockstep(*command)
            assert out.returncode in (0, 1), out
        assert stack.master("lockstepd").alive()
        assert is_sound(stack)
        check_once(lines_about(stack, "lockstep: .*(sessions|map)")
                   ["DOVECOT_LOG"])


def test_replaced_while_in_use():
    """By `lockstep init`, as after an update: who is in stays in."""
    who = cast()
    with Stack(users=who.number) as stack:
        answers = begin_everywhere(stack, who)
        assert stack.lockstep("init").returncode == 0
        assert sessions.is_alive(answers[0])
        later = begin_everywhere(stack, who)
        sessions.close(answers + later)
        assert is_sound(stack)

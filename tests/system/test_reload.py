"""A policy takes the place of another while the servers run: whole, within a
second, in every process, whatever rights and view of the files it has left."""

import grp
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

from lib import dovecot, policyfilter, processes
from lib.cast import IP_FAILURES, USERS, cast
from lib.cast import guesses as words
from lib.stack import Stack, poll

SECOND = 1.0
DENY = "denied = { \"10.0.0.0/8\" }\n"  # where every cast is
COMPILES = 100

CHROOTS = """
mail_debug = yes
mail_chroot = {stack}/mail/.
service imap {{
  {in_turn}
}}
service auth {{
  chroot = {stack}/dovecot-state
}}
"""


@pytest.fixture(scope="module")
def stack():
    """With auth and imap in a chroot: directories of the stack, whose place has
    to be known before it is there."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-"))
    top.chmod(0o755)
    settings = CHROOTS.format(stack=top / "s", 
                             in_turn=dovecot.syntax().in_turn(100))
    try:
        with Stack(top / "s", users=USERS,
                   dovecot=settings.splitlines()) as running:
            yield running
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.fixture
def conf(stack):
    """The stack's lockstep.conf, to be written anew; put back afterwards."""
    file = pathlib.Path(stack.env["LOCKSTEP_CONF"])
    text = file.read_text()
    yield file
    file.write_text(text)
    assert stack.lockstep("compile", file).returncode == 0


def put_in_force(stack, conf, text):
    conf.write_text(text)
    out = stack.lockstep("compile", conf)
    assert out.returncode == 0, out
    return out


def pids(stack, name):
    """Of the stack's processes of this program."""
    found = []
    for process in stack.processes():
        try:
            line = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        except OSError:
            continue
        if line.split("\0")[0].rpartition("/")[2] == name:
            found.append(process.pid)
    return found


def uid_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^Uid:\s+\d+\s+(\d+)", status, re.M)[1])


def root_of(pid):
    return str(pathlib.Path(f"/proc/{pid}/root").readlink())


# ---- each kind of process, within a second ----------------------------------


def test_auth_without_rights_in_a_chroot(stack, conf):
    who = cast()
    with stack.auth() as auth:
        assert auth.login(who.user, who.password, ip=who.owner).ok
        [pid] = pids(stack, "auth")
        assert uid_of(pid) != 0
        assert root_of(pid) != "/"
        put_in_force(stack, conf, conf.read_text() + DENY)
        # The next attempt, on the connection that was open, at once.
        assert not auth.login(who.user, who.password, ip=who.owner).ok
        assert pids(stack, "auth") == [pid]
        put_in_force(stack, conf, conf.read_text().replace(DENY, ""))
        assert auth.login(who.user, who.password, ip=who.owner).ok


def test_filter_without_rights(stack, conf):
    who = cast()
    assert stack.connect(who.stranger).ok
    before = pids(stack, "lockstep-policy")
    assert before and all(uid_of(pid) != 0 for pid in before)
    put_in_force(stack, conf, conf.read_text() + DENY)
    assert stack.connect(who.stranger).text.startswith("421")
    assert set(before) & set(pids(stack, "lockstep-policy"))
    put_in_force(stack, conf, conf.read_text().replace(DENY, ""))
    assert stack.connect(who.stranger).ok


def test_lockstepd(stack, conf):
    log = pathlib.Path(stack.env["LOCKSTEPD_LOG"])
    before = log.read_text().count("new policy in force")
    put_in_force(stack, conf, conf.read_text() + "\n")
    poll(lambda: log.read_text().count("new policy in force") > before,
         what="lockstepd's line")


CHROOTED = """
mount --rbind / {root}
exec chroot --userspec={uid}:{gid} {root} {program} -p {policy}
"""


def test_filter_without_rights_in_a_chroot():
    """It holds the policy's directory too; asked and answered on one pipe."""
    nobody, group = 65533, grp.getgrnam("nogroup").gr_gid
    question = policyfilter.request(address="10.1.2.3")
    with Stack(users=1, daemon=False) as stack:
        root = stack.dir / "root"
        root.mkdir()
        script = CHROOTED.format(
            root=root, uid=nobody, gid=group, policy=stack.env["POLICY"],
            program=stack.dir / "bin" / "lockstep-policy")
        conf = pathlib.Path(stack.env["LOCKSTEP_CONF"])
        ours, theirs = socket.socketpair()
        ours.settimeout(25 * SECOND)
        with ours, theirs, subprocess.Popen(
                processes.namespace(script),
                stdin=theirs, stdout=theirs) as process:
            try:
                ours.sendall(question)
                assert ours.recv(4096) == policyfilter.DUNNO
                assert uid_of(process.pid) == nobody
                assert root_of(process.pid) == str(root)
                stack.dir.chmod(0o700)
                put_in_force(stack, conf, conf.read_text() + DENY)
                ours.sendall(question)
                assert ours.recv(4096) == policyfilter.REFUSED
                assert process.poll() is None
            finally:
                stack.dir.chmod(0o755)
                process.terminate()


def test_lockstepd_without_rights_in_a_chroot():
    """It holds the policy's directory, and may not walk there any more."""
    nobody, group = 65533, grp.getgrnam("nogroup").gr_gid
    with Stack(users=USERS, daemon=False) as stack:
        root, log = stack.dir / "root", stack.dir / "chrooted.log"
        root.mkdir()
        script = CHROOTED.format(
            root=root, uid=nobody, gid=group, policy=stack.env["POLICY"],
            program=stack.dir / "bin" / "lockstepd")
        conf = pathlib.Path(stack.env["LOCKSTEP_CONF"])
        with log.open("w") as out, subprocess.Popen(
                processes.namespace(script),
                stderr=out) as process:
            try:
                poll(lambda: "webhook" in log.read_text(), what="its start")
                assert uid_of(process.pid) == nobody
                assert root_of(process.pid) == str(root)
                stack.dir.chmod(0o700)
                put_in_force(stack, conf, conf.read_text() + "\n")
                poll(lambda: "new policy in force" in log.read_text(),
                     what="the new policy")
                poll(lambda: "Permission denied" in log.read_text(),
                     what="its word that a restart would fail")
                assert process.poll() is None
            finally:
                stack.dir.chmod(0o755)
                process.terminate()


def test_mail_without_rights_in_a_chroot(stack, conf):
    """A process that serves one session after another: the plugin opens the
    policy for the first, and root's rights are gone for the next."""
    who = cast()
    assert stack.login("imap", who.number, ip=who.owner).ok
    before = {pid: root_of(pid) for pid in pids(stack, "imap")}
    assert f"{stack.dir}/mail" in before.values()
    put_in_force(stack, conf, conf.read_text() + "\n")

    def said():
        """Whoever comes while it has not done with the last one gets another."""
        assert stack.login("imap", who.number, ip=who.owner).ok
        return re.search(rf"imap\({re.escape(who.user)}\)<(\d+)>.*lockstep: "
                         "a new policy is in force", stack.dovecot_log())

    found = poll(said, what="the mail process's line")
    assert before[int(found[1])] == f"{stack.dir}/mail"
    assert re.search(rf"<{found[1]}>.*Effective uid=[1-9]",
                     stack.dovecot_log())


# ---- under load -------------------------------------------------------------


def attack(auth, who, seen):
    """Logins that no whole policy refuses, and guesses."""
    for word, ip, good in ((who.password, who.owner, True),
                           (words(1)[0], who.guesser, False),
                           (who.password, who.stranger, True)):
        answer = auth.login(who.user, word, ip=ip)
        seen.append((answer.ok == good, "auth", who.user, ip, answer))


def hammer(stack, seen, stop):
    with stack.auth() as auth:
        while not stop.is_set():
            who = cast()  # whose guesses stay far below every limit
            for _ in range(IP_FAILURES // 2):
                attack(auth, who, seen)


def knock(stack, seen, stop):
    """Whole sessions, and connections to Postfix's filter."""
    while not stop.is_set():
        who = cast()  # one account may log in no more than 300 times
        for door in ("imap", "smtp"):
            answer = stack.login(door, who.number, ip=who.owner)
            seen.append((answer.ok, door, who.user, who.owner, answer))
        answer = stack.connect(who.stranger)
        seen.append((answer.ok, "connect", who.stranger, answer))


def test_hundred_compiles_under_load(stack, conf):
    """One policy denies everybody's network and only observes, the other
    enforces and denies nobody: only a mixture of both would refuse."""
    text = conf.read_text()
    policies = ["mode = \"observe\"\n" + DENY + text, text]
    logs = {name: len(pathlib.Path(stack.env[name]).read_text())
            for name in ("DOVECOT_LOG", "FILTER_LOG", "LOCKSTEPD_LOG")}
    auth_before = pids(stack, "auth")
    seen, stop = [], threading.Event()
    threads = [threading.Thread(target=work, args=(stack, seen, stop))
               for work in (hammer, hammer, knock)]
    for thread in threads:
        thread.start()
    try:
        for number in range(COMPILES):
            put_in_force(stack, conf, policies[number % 2])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    print(f"{len(seen)} answers during {COMPILES} compiles")
    assert len(seen) > COMPILES
    assert not [answer for good, *answer in seen if not good]
    assert pids(stack, "auth") == auth_before
    new = {name: pathlib.Path(stack.env[name]).read_text(errors="replace")
           [logs[name]:] for name in logs}
    for name, lines in new.items():
        bad = [line for line in lines.splitlines()
               if re.search(r"\b(Error|Fatal|Panic|damaged|going on with)\b",
                            line) and "chdir(" not in line]  # a first login
        assert not bad, (name, bad)
    assert new["DOVECOT_LOG"].count("a new policy is in force") > COMPILES / 4
    assert stack.lockstep("status").returncode == 0

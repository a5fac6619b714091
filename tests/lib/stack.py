"""Stacks for tests:

    with Stack(users=3) as stack:
        assert stack.login("imap", 1, ip="192.0.2.1").ok
        assert not stack.login("imap", 1, "wrong", ip="203.0.113.9").ok
        assert len(stack.verified()) == 2

A directory that the class chose is removed at the end, unless LOCKSTEP_KEEP is
set or the block ended with an exception; then its path is printed. One given by
the caller is left as it is.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from . import alike, clients, layout, lifecycle, processes
from .authclient import AuthClient

COMMAND = layout.TOP / "tests/stack"
DEADLINE = 60  # seconds that a test waits for what must come


@dataclass(frozen=True)
class Verified:
    """A password verification that Dovecot really performed."""

    time: float
    service: str
    user: str
    address: str


def user_name(number):
    return f"user{number}@example.test"


def right_password(number):
    return f"pw-{number}"


def poll(condition, deadline=DEADLINE, what=""):
    """Call condition() until what it returns is true, and return that; after
    `deadline` seconds the test has failed."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {deadline} s: {what or condition}")
        time.sleep(0.05)


def end_on_signals():
    """For programs other than pytest: a signal that asks to end is an exception
    like Ctrl-C, so that the stacks of `with` blocks go down."""
    def interrupted(number, frame):
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)


class Stack:
    """policy: a lockstep.conf, as a pathlib.Path or as its text (str); daemon:
    start lockstepd; dovecot, postfix: lines more for dovecot.conf, main.cf;
    for the others see `tests/stack --help`."""

    def __init__(self, directory=None, policy=None, users=10, daemon=True,
                 dovecot=(), postfix=(), passwd_file=None, **options):
        self.chosen = directory is None
        self.dir = pathlib.Path(directory or
                                tempfile.mkdtemp(prefix="lockstep-"))
        self.policy = policy
        self.options = ["--users", str(users)]
        self.options += ["--no-daemon"] * (not daemon)
        self.options += [f"--{name}" for name, on in options.items() if on]
        if passwd_file:
            self.options += ["--passwd-file", str(passwd_file)]
        for line in dovecot:
            self.options += ["--dovecot", line]
        for line in postfix:
            self.options += ["--postfix", line]
        self.env = {}

    # ---- up and down -------------------------------------------------

    def _run(self, *args):
        """The stack command, in a process of its own: the servers must not be
        children of the test."""
        out = subprocess.run([COMMAND, *map(str, args)], text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        if out.returncode != 0:
            raise layout.StackError(out.stdout)
        return out.stdout

    def up(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            options = list(self.options)
            if isinstance(self.policy, str):
                file.write(self.policy)
                file.flush()
                options += ["--policy", file.name]
            elif self.policy is not None:
                options += ["--policy", str(self.policy)]
            self._run("up", self.dir, *options)
        self.env = layout.read_env(self.dir / "env")
        return self

    def down(self):
        return self._run("down", self.dir)

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self._dispose(keep=False)
            raise

    def __exit__(self, kind, value, traceback):
        if kind is not None and issubclass(kind, AssertionError):
            self.look_for_alike()
        self.down()
        self._dispose(keep=kind is not None)

    def _dispose(self, keep):
        if not self.chosen:
            return
        if keep or os.environ.get("LOCKSTEP_KEEP"):
            print(f"the stack's files: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self, part):
        self._run("stop", self.dir, part)

    def start(self, part):
        self._run("start", self.dir, part)

    def layout(self):
        return layout.Layout(self.dir).load()

    def master(self, part):
        """The first process of dovecot, postfix, lockstepd or webhook."""
        return processes.recorded(self.layout())[part]

    def processes(self):
        """Every live process of the stack."""
        return lifecycle.remaining(self.layout())

    # ---- clients -----------------------------------------------------

    def login(self, door, number, password=None, **how):
        """Log in at a door ("imap", "pop3", "sieve", "submission": Dovecot's,
        "smtp": Postfix's) as user<number>, with the right password unless one
        is given; for `how` see clients."""
        if password is None:
            password = right_password(number)
        alike.note(user_name(number), password)
        return clients.DOORS[door](self.env, user_name(number), password, **how)

    def connect(self, ip=None, **how):
        """Connect to Postfix's submission service; see clients."""
        return clients.smtp_connect(self.env, ip, **how)

    def login_on(self, answer, number, password=None, **how):
        """Log in on the connection that connect(keep=True) left open."""
        if password is None:
            password = right_password(number)
        alike.note(user_name(number), password)
        return clients.smtp_login_on(answer, user_name(number), password, **how)

    def auth(self):
        return AuthClient(self.env["AUTH_SOCKET"])

    def kill_auth(self):
        """SIGKILL; returns when the process is gone."""
        killed = []
        for process in self.processes():
            comm = pathlib.Path(f"/proc/{process.pid}/comm")
            if comm.exists() and comm.read_text() == "auth\n":
                process.signal(signal.SIGKILL)
                killed.append(process)
        assert killed
        poll(lambda: not any(p.alive() for p in killed), what="its end")

    def auth_again(self):
        """A client of the new auth process, as soon as it is there."""
        def connect():
            try:
                return self.auth()
            except OSError:
                return None
        return poll(connect, what="another auth process")

    # ---- what the servers say ----------------------------------------

    def verified(self, user=None):
        """The verifications so far; of one user (a number) if given."""
        lines = pathlib.Path(self.env["VERIFIED_LOG"]).read_text().splitlines()
        found = []
        for line in lines:
            when, service, name, address = line.split(" ")
            if user is None or name == user_name(user):
                found.append(Verified(float(when), service, name, address))
        return found

    def introspected(self):
        """The bearer tokens asked about so far, each as often as it was."""
        text = pathlib.Path(self.env["OAUTH_LOG"]).read_text()
        return [line.split(" ")[1] for line in text.splitlines()]

    def webhooks(self):
        """The requests that the receiver got: dicts, see webhook_receiver."""
        with open(self.env["WEBHOOK_LOG"]) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def dovecot_log(self):
        return pathlib.Path(self.env["DOVECOT_LOG"]).read_text(errors="replace")

    def postfix_log(self):
        return pathlib.Path(self.env["POSTFIX_LOG"]).read_text(errors="replace")

    def look_for_alike(self):
        """Of a test that failed: see alike."""
        with contextlib.suppress(AssertionError, OSError):
            alike.look(self)

    # ---- what to do --------------------------------------------------

    def run(self, *command):
        """Run a command with the stack's environment; returns
        CompletedProcess, its output as text."""
        return subprocess.run(list(map(str, command)), env=self.env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)

    def lockstep(self, *args):
        """The command line tool."""
        return self.run("lockstep", *args)

    def locks(self):
        """What `lockstep list` shows: dicts."""
        return self._json_lines("list", "--json")

    def sessions(self):
        """Those that are live."""
        return self._json_lines("list", "sessions", "--json")

    def events(self, kind=None):
        """What `lockstep events` shows: the data, with its type."""
        return [event["data"] | {"type": event["type"]}
                for event in self._json_lines("events", "--json")
                if kind is None or event["type"] == kind]

    def _json_lines(self, *args):
        out = self.lockstep(*args)
        assert out.returncode == 0, out
        return [json.loads(line) for line in out.stdout.splitlines()]

    def doveadm(self, *args):
        return self.run("doveadm", "-c", self.env["DOVECOT_CONF"], *args)

    def passdb(self, delay_ms=0, fail=False, stall=False):
        """How the backend behaves from now on."""
        text = f"delay_ms={delay_ms}\n" + "fail=temporary\n" * fail + \
            "stall\n" * stall
        layout.replace(self.env["PASSDB_CONTROL"], text)

    def webhook_answers(self, status, count=None, delay_ms=0, after=None):
        """What the receiver answers to the next `count` requests, or all; after:
        its Retry-After."""
        text = f"status={status} delay_ms={delay_ms}"
        if count is not None:
            text += f" count={count}"
        if after is not None:
            text += f" after={after}"
        layout.replace(self.env["WEBHOOK_CONTROL"], text + "\n")

    def poll(self, condition, deadline=DEADLINE, what=""):
        return poll(condition, deadline, what)

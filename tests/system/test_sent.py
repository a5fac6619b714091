"""What an administrator sees of what accounts send: explain, events, top, status,
unlock, release. The messages come through lockstep-policy; no Postfix is needed."""

import grp
import json
import os
import re
import socket
import struct
import subprocess
import time

import pytest

from lib import products
from lib.command import assert_fits
from lib.stack import poll
from lib.terminal import Terminal

TIMEOUT = 60
HOME = "192.0.2.9"

CONF = """
state-dir = "{dir}/state"
group = ""
subjects = 4096
contacts = 5000
limit sending {{ messages = "20/1h" recipients = "500/30d"
                 new-recipients = "7/1d" }}
override user "held@x" {{ sending {{ messages = "2/1h" }} }}
override user "rejected@x" {{ sending {{
    messages = "2/1h"  on-freeze = "reject" }} }}
"""


class World:
    """A policy, a guard and contacts of its own, and a filter that decides."""

    def __init__(self, directory):
        self.dir = directory
        self.policy = directory / "policy.cdb"
        self.env = {**os.environ, "LOCKSTEP_POLICY": str(self.policy)}
        self.messages = 0
        (directory / "state").mkdir()
        conf = directory / "lockstep.conf"
        conf.write_text(CONF.format(dir=directory))
        assert self.lockstep("compile", conf).returncode == 0
        self.make_contacts()
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(TIMEOUT)
        self.filter = subprocess.Popen(
            [products.find(products.PROGRAMS["lockstep-policy"])],
            stdin=theirs, stdout=theirs, env=self.env)
        theirs.close()

    def make_contacts(self, made=lambda: True):
        """As lockstepd does when it starts."""
        daemon = subprocess.Popen(
            [products.find(products.PROGRAMS["lockstepd"])], env=self.env,
            stderr=subprocess.DEVNULL)
        try:
            poll((self.dir / "contacts").exists)
            poll((self.dir / "state" / "guard").exists)
            poll(made)
        finally:
            daemon.terminate()
            daemon.wait(TIMEOUT)

    def close(self):
        self.sock.close()
        self.filter.wait(TIMEOUT)

    def lockstep(self, *args):
        return subprocess.run(
            [products.find(products.PROGRAMS["lockstep"]), *args],
            env=self.env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)

    def run(self, *args, code=0):
        out = self.lockstep(*args)
        assert out.returncode == code, out
        return out.stdout

    def ask(self, **words):
        text = "".join(f"{name}={value}\n" for name, value in words.items())
        self.sock.sendall(text.encode() + b"\n")
        got = b""
        while b"\n\n" not in got:
            data = self.sock.recv(4096)
            assert data, got
            got += data
        return got.decode().strip().removeprefix("action=")

    def send(self, user, *recipients, sender=None, size=1000):
        """One message on a connection of its own, as Postfix asks about it; its
        answer."""
        self.messages += 1
        words = {"request": "smtpd_access_policy", "client_address": HOME,
                 "client_port": str(1024 + self.messages),
                 "instance": f"{self.messages}.5eed", "sasl_username": user,
                 "sender": user if sender is None else sender,
                 "queue_id": f"4Q{self.messages:04}"}
        for recipient in recipients:
            self.ask(**words, protocol_state="RCPT", recipient=recipient)
        return self.ask(**words, protocol_state="END-OF-MESSAGE", size=size,
                        recipient_count=len(recipients))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("sent"))
    yield world
    world.close()


def masked(text):
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", "DATE", text)
    return re.sub(r"\b\d+ (s|min|h|d)\b", "N u", text)


def part(text, first):
    """From the line that begins so to the next empty one."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(first))
    return "\n".join(lines[begin:lines.index("", begin)]) + "\n"


# ---- explain ------------------------------------------------------------------

SENDS = """\
SENDS                           LEVEL LIMIT           EMPTY IN   ROOM IN
messages                            5 20/1h           N u     now
recipients                         10 500/30d         N u       now
senders                             1 5/1d            N u        now
new-recipients                      0 7/1d            -          now
attempted messages                  5 60/1h           N u      now
attempted recipients               10 1500/30d        N u       now
6 contacts, known since DATE; new ones count from 14 days on
"""


def test_explain(world):
    for i in range(4):
        assert world.send("table@x", f"p{i}@a", "q@b") == "DUNNO"
    assert world.send("table@x", "p0@a", "r@b", sender="list@y") == "DUNNO"
    text = world.run("explain", "table@x")
    assert_fits(text)
    assert masked(part(text, "SENDS")).split() == SENDS.split()


def test_explain_as_json(world):
    for i in range(3):
        world.send("json@x", f"p{i}@a")
    got = json.loads(world.run("explain", "--json", "json@x"))["sending"]
    meters = {(m["meter"], m["attempted"]): m for m in got["meters"]}
    assert meters["messages", False]["level"] == 3
    assert meters["messages", False]["limit"] == 20
    assert meters["messages", True]["limit"] == 60
    assert meters["recipients", True]["level"] == 3
    assert got["contacts"] == 3 and not got["new_recipients_count"]
    assert got["contacts_since"].endswith("T00:00:00.000Z")
    # An address sends nothing; who asks from where asks about a login.
    for args in ([HOME], ["json@x", "from", HOME]):
        assert "sending" not in json.loads(world.run("explain", "--json",
                                                     *args))


# ---- refused and held ----------------------------------------------------------


def test_refused_messages(world):
    answers = [world.send("full@x", f"p{i}@d{i}.example") for i in range(22)]
    assert answers[:20] == ["DUNNO"] * 20
    assert all(answer.startswith("450 4.7.1") for answer in answers[20:])
    text = world.run("explain", "full@x")
    assert text.rstrip().splitlines()[-1].endswith(
        f" message smtp full@x {HOME} refused: messages of sending "
        f"<4Q{world.messages:04}> to d21.example")
    # Once, however often it comes again.
    world.send("full@x", "p21@d21.example")
    events = world.run("events", "--json", "--user", "full@x").splitlines()
    assert len(events) == 2
    event = json.loads(events[1])
    assert event["type"] == "message"
    assert event["data"]["verdict"] == "deny"
    assert event["data"]["reason"] == "messages"
    assert event["data"]["domains"] == ["d21.example"]
    assert "session" not in event["data"]
    out = world.run("events", "--type", "message", "--user", "full@x",
                    "--outcome", "refused")
    assert len(out.splitlines()) == 2
    # And an administrator lets it go on.
    out = world.run("unlock", "full@x")
    assert "cleared messages 20 of 20/1h" in out
    assert "attempted messages 22 of 60/1h" in out
    assert_fits(out)
    assert world.send("full@x", "p21@d21.example") == "DUNNO"


def freeze(world, user, name="p"):
    """Six are attempted at 2/1h; returns the queue id of the seventh."""
    for i in range(7):
        answer = world.send(user, f"{name}{i}@d{i}.example")
    return answer, f"4Q{world.messages:04}"


def test_release_tells_of_held_mail(world):
    answer, first = freeze(world, "held@x")
    assert answer.startswith("HOLD")
    event = json.loads(world.run("events", "--json", "--type", "freeze",
                                 "--user", "held@x"))
    assert event["data"]["evidence"] == {
        "messages": 7, "recipients": 7, "queue_id": first,
        "domains": ["d6.example"]}
    text = world.run("events", "--type", "freeze", "held@x")
    assert text.endswith("by rule: 7 messages, 7 recipients\n")
    assert f"held: sending of sending <{first}>" in \
        world.run("events", "--type", "message", "held@x")
    out = world.run("release", "held@x")
    assert_fits(out)
    assert out.splitlines() == [
        "user held@x is released; was frozen",
        "a message of it was held:",
        f"  postcat -q {first}      shows it",
        f"  postsuper -H {first}    sends it",
        f"  postsuper -d {first}    deletes it",
        "one that Postfix does not find is gone: a milter refused it after it "
        "was to be",
        "held, or somebody has sent or deleted it"]
    # What was held before is settled: the next release tells of the next.
    _, second = freeze(world, "held@x", "another")
    out = world.run("release", "held@x")
    assert second in out and first not in out


def test_nothing_was_held(world):
    answer, queue_id = freeze(world, "rejected@x")
    assert not answer.startswith("HOLD") and answer != "DUNNO"
    out = world.run("release", "rejected@x")
    assert out == "user rejected@x is released; was frozen\n"
    assert queue_id not in out
    assert "neither" in world.run("release", "rejected@x", code=1)


def test_deceitful_names(world):
    """Names and domains are what a client sent: none of it gets at a terminal."""
    user = "e\x1b[31mvil@x"
    world.send(user, "p@\x1b]0;x\x07.example", "q@ok.example")
    for _ in range(25):
        world.send(user, "p@\x1b]0;x\x07.example", "q@ok.example")
    for args in (["explain", user], ["events"], ["unlock", user]):
        out = world.lockstep(*args).stdout
        assert not re.search(r"[^\x20-\x7e\n]", out), out
    for line in world.run("events", "--json").splitlines():
        json.loads(line)


# ---- all of them ----------------------------------------------------------------


def test_status(world):
    out = world.lockstep("status").stdout
    used, room = re.search(r"^contacts +(\d+) of (\d+) known$", out,
                           re.M).groups()
    assert int(used) > 20 and room == "5008"  # in buckets of 16
    assert re.search(r"messages: asked \d+ s ago", out)
    got = json.loads(world.lockstep("status", "--json").stdout)
    assert got["contacts"]["used"] == int(used)
    assert got["contacts"]["lost"] == 0
    assert "message_seen" in got["wired"]


def test_status_with_full_contacts(tmp_path):
    """A problem while some account learns anew for it, however full the file is."""
    world = World(tmp_path)

    def lose(days_ago):
        with open(tmp_path / "contacts", "r+b") as file:
            file.seek(264)  # common/state/contacts.h
            file.write(struct.pack("<QQ", 7, int(time.time()) // 86400 - days_ago))
        out = world.lockstep("status").stdout
        got = json.loads(world.lockstep("status", "--json").stdout)["contacts"]
        assert got["lost"] == 7 and got["lost_day"].endswith("T00:00:00.000Z")
        return re.search(r"^problem +contacts: full: 7 were given up", out, re.M)

    try:
        assert "lost_day" not in json.loads(
            world.lockstep("status", "--json").stdout)["contacts"]
        assert lose(0) and lose(13)
        assert not lose(14)
    finally:
        world.close()


def test_status_without_contacts(tmp_path):
    world = World(tmp_path)

    def sending():
        return json.loads(world.run("explain", "--json", "joe@x"))["sending"]
    try:
        (tmp_path / "contacts").unlink()
        out = world.lockstep("status")
        assert out.returncode == 1
        assert re.search(r"^problem +\S+/contacts: no such file: ",
                         out.stdout, re.M), out.stdout
        out = world.run("explain", "joe@x")
        assert "there is no file of contacts" in out
        assert_fits(out)
        assert "contacts_problem" not in sending()
        (tmp_path / "contacts").write_text("garbage")
        out = world.run("explain", "joe@x")
        assert "there is no file of contacts" not in out
        assert re.search("is not known: .*/contacts: too short", out), out
        assert "/contacts: too short" in sending()["contacts_problem"]
        (tmp_path / "contacts").rename(tmp_path / "elsewhere")
        (tmp_path / "contacts").symlink_to("elsewhere")
        assert "/contacts: a symbolic link" in world.lockstep("status").stdout
    finally:
        world.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_groups_of_contacts(tmp_path):
    """They become those of the policy when the maps are made anew."""
    world = World(tmp_path)
    file, conf = tmp_path / "contacts", tmp_path / "lockstep.conf"

    def groups():
        """Who may use it: `group`, and how many entries its access list has."""
        stat = file.stat()
        return (grp.getgrgid(stat.st_gid).gr_name, stat.st_mode & 0o777,
                "system.posix_acl_access" in os.listxattr(file))

    def be(group, readers):
        text = re.sub("(?m)^(group|readers) =.*\n", "", conf.read_text())
        conf.write_text(f'group = "{group}"\nreaders = "{readers}"\n{text}')
        world.run("compile", conf)

    try:
        number = file.stat().st_ino
        for group, readers, want in (("daemon", "", ("daemon", 0o660, False)),
                                     ("adm", "daemon", ("adm", 0o660, True)),
                                     ("", "adm", ("root", 0o640, True)),
                                     ("adm", "", ("adm", 0o660, False)),
                                     ("", "", ("root", 0o600, False))):
            be(group, readers)
            assert "contacts: the file does not belong" in \
                world.lockstep("status").stdout
            world.run("init")
            assert groups() == want
            assert "contacts: the file" not in world.lockstep("status").stdout
        be("daemon", "")
        world.make_contacts(lambda: groups() == ("daemon", 0o660, False))
        assert file.stat().st_ino == number
    finally:
        world.close()


def test_top(world):
    for i in range(6):
        world.send("busy@x", *[f"p{i}{j}@a" for j in range(30)])
    for i in range(12):
        world.send("often@x", f"p{i}@a")
    with Terminal(["lockstep", "top"],
                  {**world.env, "PATH": os.pathsep.join(
                      [str(products.find(products.PROGRAMS["lockstep"])
                           .parent), os.environ["PATH"]])}) as terminal:
        def senders(text):
            lines = text.splitlines()
            if not any(line.startswith("SENDER") for line in lines):
                return []
            first = next(i for i, line in enumerate(lines)
                         if line.startswith("SENDER"))
            return [line.split() for line in lines[first + 1:first + 4]]

        def place(text, name):
            return next((i for i, row in enumerate(senders(text))
                         if row and row[0] == name), None)

        terminal.wait_for(lambda text: senders(text))
        terminal.type("c")

        def is_sorted_by_recipients(text):
            """Not while the screen is half drawn."""
            return place(text, "busy@x") == 0 and \
                senders(text)[0][1] == "6" and \
                senders(text)[0][2] == "180"
        text = terminal.wait_for(is_sorted_by_recipients)
        assert all(len(line) <= 80 for line in text.splitlines())
        terminal.type("m")
        terminal.wait_for(lambda text: place(text, "often@x") == 0 and
                          senders(text)[0][1] == "12")
        terminal.type("f")
        terminal.wait_for(lambda text: place(text, "often@x") == 0 and
                          senders(text)[0][4:5] == ["60%"])
        terminal.type("q")
        assert terminal.wait() == 0

"""From lockstep.conf to the running servers: a bad one changes nothing, a good
one holds without a restart."""

import functools
import os
import pathlib

import pytest

from lib import dovecot
from lib.cast import LIMIT, USERS, at_once, cast
from lib.cast import guesses as words
from lib.clients import DOORS
from lib.stack import Stack, poll

ADD_UP = 'limit ip { failures = "3/10m, 50/1d" }\n'


@pytest.fixture
def conf(stack):
    """The stack's lockstep.conf, to be written anew; put back afterwards."""
    file = pathlib.Path(stack.env["LOCKSTEP_CONF"])
    text = file.read_text()
    yield file
    file.write_text(text)
    assert compiled(stack, file).returncode == 0


def compiled(stack, file):
    return stack.lockstep("compile", file)


def guesses(stack, who, ip, count):
    """How many of so many wrong passwords were verified."""
    before = len(stack.verified(who.number))
    with stack.auth() as auth:
        ids = [auth.send(who.user, word, ip=ip) for word in words(count)]
        assert not any(auth.wait(i).ok for i in ids)
    return len(stack.verified(who.number)) - before


# Each is one line, put behind the first line of a good file.
BAD = {
    'mode = "enforced"': 'mode: "enforced" is none of: enforce, observe',
    'limit ip { failures = "10/10m" }': "one limit; two are wanted",
    'limit ip { failures = "ten/10m, 50/1d" }': "is not two limits",
    'limit ip { lock = "1d..10m" }': "lock",
    'limit ip { failure = "10/10m, 50/1d" }': "failure",
    "subjects = 12": "subjects",
    'familiar-for = "30"': "has no unit",
    'trusted = { "127.0.0.0/33" }': "127.0.0.0/33",
    'override user "x@example.org" { ip { lock = "1m..2m" } }': "ip",
    'webhook "x" { url = "ftp://example.org/" secret-file = "/x" }': "ftp",
    'limit ip {': "",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_value(stack, conf, line):
    policy = pathlib.Path(stack.env["POLICY"])
    before, inode = policy.read_bytes(), policy.stat().st_ino
    first, rest = conf.read_text().split("\n", 1)
    conf.write_text(f"{first}\n{line}\n{rest}")
    out = compiled(stack, conf)
    assert out.returncode != 0
    number = 2 if BAD[line] else None  # an open brace is missed further down
    complaint = next(text for text in out.stderr.splitlines()
                     if text.startswith(f"{conf}:{number or ''}"))
    assert BAD[line] in complaint
    assert f"{policy} is as it was" in out.stderr
    assert policy.read_bytes() == before
    assert policy.stat().st_ino == inode
    assert stack.lockstep("status").returncode == 0


def test_bad_policy_stays_out_of_force(stack, conf):
    who = cast()
    conf.write_text(conf.read_text() + ADD_UP + 'mode = "enforced"\n')
    assert compiled(stack, conf).returncode != 0
    assert guesses(stack, who, who.guesser, LIMIT + 5) == LIMIT


def test_stack_is_not_started_on_a_bad_policy():
    with pytest.raises(Exception, match=r"lockstep\.conf:1: .*enforced"):
        with Stack(policy='mode = "enforced"\n'):
            pass


def test_all_errors_are_told(stack, conf):
    conf.write_text('mode = "enforced"\nsubjects = 12\n' + conf.read_text())
    out = compiled(stack, conf)
    assert out.returncode != 0
    assert f"{conf}:1: " in out.stderr and f"{conf}:2: " in out.stderr
    assert "2 errors" in out.stderr


def test_no_regular_file_is_replaced(stack, tmp_path):
    """What would be a device of the whole host, or somebody's pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link, tmp_path):
        out = stack.lockstep("compile", "-o", str(path),
                             stack.layout().lockstep_conf)
        assert out.returncode == 1
        assert f"{path}: not a regular file" in out.stderr
    assert pipe.is_fifo() and link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_missing_file(stack):
    out = compiled(stack, "/no/such/lockstep.conf")
    assert out.returncode != 0
    assert "/no/such/lockstep.conf: No such file or directory" in out.stderr


def test_new_limit_holds_without_a_restart(stack, conf):
    masters = [stack.master(part) for part in ("dovecot", "postfix",
                                               "lockstepd")]
    auth = stack.auth()  # a connection, and an auth process, from before
    conf.write_text(conf.read_text() + ADD_UP)
    out = compiled(stack, conf)
    assert out.returncode == 0, out

    def three_are_verified():
        who = cast()
        return guesses(stack, who, who.guesser, LIMIT) == 3

    poll(three_are_verified, what="the new limit")
    who = cast()
    ids = [auth.send(who.user, word, ip=who.guesser, service="smtp")
           for word in words(5)]
    assert not any(auth.wait(i).ok for i in ids)
    assert len(stack.verified(who.number)) == 3
    auth.close()
    for master in masters:
        assert master.alive()
    poll(lambda: "a new policy is in force" in stack.dovecot_log(),
         what="auth's line")


def test_denied_network(stack, conf):
    """Postfix's filter, too, takes over what is compiled while it waits."""
    who = cast()
    assert stack.connect(who.guesser).ok
    conf.write_text(conf.read_text() +
                    f'denied = {{ "{who.at(1, 0)}/24" }}\n')
    assert compiled(stack, conf).returncode == 0
    poll(lambda: stack.connect(who.guesser).text.startswith("421"),
         what="a refusal at CONNECT")
    before = len(stack.verified())
    answers = at_once(functools.partial(stack.login, door, who.number,
                                        ip=who.guesser) for door in DOORS)
    assert not any(answer.ok for answer in answers)
    assert len(stack.verified()) == before
    assert stack.connect(who.guesser, port="SMTP_PORT").ok
    assert stack.connect(who.at(2)).ok
    assert stack.login("imap", who.number, ip=who.at(2)).ok


def test_override_for_a_network(stack, conf):
    branch, other = cast(), cast()
    conf.write_text(conf.read_text() + f"""
override net "{branch.at(1, 0)}/24" {{ ip {{ failures = "15/10m, 200/1d" }} }}
""")
    assert compiled(stack, conf).returncode == 0
    assert guesses(stack, branch, branch.guesser, 20) == 15
    assert guesses(stack, other, other.guesser, 20) == LIMIT


def test_trusted_network_is_never_locked_as_an_address(stack, conf):
    who = cast()
    conf.write_text(conf.read_text() +
                    f'trusted = {{ "127.0.0.0/8", "{who.at(1, 0)}/24" }}\n')
    assert compiled(stack, conf).returncode == 0
    assert guesses(stack, who, who.guesser, LIMIT + 5) == LIMIT + 5
    assert stack.connect(who.guesser).ok
    assert who.guesser not in [k.get("subject") for k in stack.locks()]


def test_tls_is_demanded_from_strangers(stack):
    """Away from loopback: Dovecot's auth protocol tells the local address."""
    who = cast()
    before = len(stack.verified(who.number))
    with stack.auth() as auth:
        def log_in(password=None, **how):
            return auth.login(who.user, password or f"pw-{who.number}",
                              ip=who.owner, lip="192.0.2.25", **how).ok
        for word in words(LIMIT + 5):
            assert not log_in(word)
        assert not log_in()
        assert len(stack.verified(who.number)) == before
        # Such a refusal charges nothing.
        assert log_in(secured=True)
        # Familiar now: let in as it was.
        assert log_in()
    reasons = {e.get("reason") for e in stack.events("login")
               if e.get("user") == who.user and e["verdict"] == "deny"}
    assert reasons == {"tls"}


@pytest.mark.parametrize("lip, rip, admitted", [
    ("192.0.2.5", "192.0.2.5", True),
    ("192.0.2.6", "192.0.2.5", False),
    ("127.0.0.1", "192.0.2.5", True),
    ("192.0.2.5", "127.0.0.1", True),
    ("2001:db8::5", "2001:db8::5", True),
    ("2001:db8::6", "2001:db8::5", False),
])
def test_tls_is_not_demanded_within_one_machine(stack, conf, lip, rip,
                                                admitted):
    who = cast()
    conf.write_text('require-tls = "always"\n' + conf.read_text())
    assert compiled(stack, conf).returncode == 0
    with stack.auth() as auth:
        assert auth.login(who.user, who.password, ip=rip,
                          lip=lip).ok == admitted


# ---- observing -------------------------------------------------------------


def test_observe_refuses_nobody_and_journals_all():
    with Stack(policy='mode = "observe"\n', users=USERS,
               dovecot=dovecot.NO_PENALTY) as stack:
        who = cast()
        assert guesses(stack, who, who.guesser, LIMIT + 5) == LIMIT + 5
        for door in DOORS:
            assert stack.login(door, who.number, ip=who.at(1, 66)).ok
        other = cast()
        assert guesses(stack, other, other.guesser, LIMIT + 5) == LIMIT + 5
        assert stack.connect(other.guesser).ok
        would = [e for e in stack.events()
                 if e.get("address") == other.guesser and
                 e.get("wanted") == "deny"]
        assert [(e["type"], e["verdict"]) for e in would] == \
            [("login", "admit")] * 5 + [("connect", "admit")]
        assert "would be refused" in stack.lockstep("events").stdout
        poll(lambda: "would be refused: too many wrong passwords (failures of "
             "ip)" in stack.dovecot_log(), what="auth's line")
        out = stack.lockstep("status")
        assert out.returncode == 0
        assert "observing (refuses nothing)" in out.stdout
        assert other.guesser in [k["subject"] for k in stack.locks()]

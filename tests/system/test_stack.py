"""The test bench itself, without Lockstep: every door, mechanism and address,
and what is left when it is down."""

import collections
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import dovecot, guard, ports, products, sasl
from lib.clients import DOORS
from lib.layout import StackError
from lib.stack import COMMAND, Stack, poll

ADDRESSES = ["203.0.113.5", "2001:db8:7::5", None]
MECHANISMS = [None, *sasl.MECHANISMS]


def ways(door):
    return [False, True, "implicit"] if door == "imap" else [False, True]


@pytest.fixture(scope="module")
def stack():
    # Dovecot's own brake is on without Lockstep, and outlasts Postfix's patience.
    with Stack(bare=True, masters=True, oauth2=True,
               dovecot=dovecot.NO_PENALTY) as running:
        yield running


@pytest.fixture(autouse=True)
def normal_passdb(request):
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").passdb()


@pytest.mark.parametrize("door,tls",
                         [(d, tls) for d in DOORS for tls in ways(d)])
def test_login(stack, door, tls):
    """Every mechanism, right from two addresses and wrong from a third. At
    once, since Dovecot tells of a failure only every half second."""
    attempts = [(mech, address, password) for mech in MECHANISMS
                for address, password in zip(ADDRESSES, [None, None, "guess"])]

    def attempt(how):
        mech, address, password = how
        return stack.login(door, 3, password, ip=address, mech=mech, tls=tls)

    before = len(stack.verified())
    with ThreadPoolExecutor(len(attempts)) as pool:
        answers = list(pool.map(attempt, attempts))
    for (mech, address, password), answer in zip(attempts, answers):
        assert answer.stage == "login", (mech, answer)
        assert answer.ok == (password is None), (mech, answer)
    seen = collections.Counter((v.service, v.user, v.address)
                               for v in stack.verified()[before:])
    assert seen == {(door, "user3@example.test", address or "127.0.0.1"):
                    len(MECHANISMS) for address in ADDRESSES}


def test_no_such_user(stack):
    for number, password in ((0, "pw-0"), (11, "pw-11"), ("1x", "pw-1")):
        before = len(stack.verified())
        assert not stack.login("imap", number, password).ok
        assert len(stack.verified()) == before + 1


@pytest.mark.parametrize("door", DOORS)
def test_master_user(stack, door):
    """Who logs in as somebody else is verified, and alone."""
    name = "user5@example.test*admin3"
    before = len(stack.verified())
    assert DOORS[door](stack.env, name, "master-3").ok
    assert not DOORS[door](stack.env, name, "pw-5").ok
    assert not DOORS[door](stack.env, "user5@example.test*user3@example.test",
                           "pw-3").ok
    assert not stack.login(door, 5, "master-3").ok
    assert [v.user for v in stack.verified()[before:]] == [
        "admin3", "admin3", "user3@example.test", "user5@example.test"]


@pytest.mark.parametrize("mech", sasl.MECHANISMS)
def test_alias(stack, mech):
    with stack.auth() as auth:
        reply = auth.login("alias5@example.test", "pw-5", mech=mech)
        assert reply.ok and reply.fields["user"] == "user5@example.test"
        assert not auth.login("alias5@example.test", "pw-6", mech=mech).ok


@pytest.mark.parametrize("mech", sasl.TOKEN_MECHANISMS)
@pytest.mark.parametrize("door", DOORS)
def test_bearer_token(stack, door, mech):
    bad = f"bad-{door}-{mech}"
    before = len(stack.verified())
    assert stack.login(door, 6, "token-6", mech=mech).ok
    assert not stack.login(door, 6, bad, mech=mech).ok
    assert not stack.login(door, 6, "token-7", mech=mech).ok  # another's
    assert stack.introspected().count(bad) == 1
    assert len(stack.verified()) == before  # passwords only


def test_address_kept_through_session(stack):
    answer = stack.login("imap", 2, ip="198.51.100.20", keep=True)
    try:
        poll(lambda: re.search(r"^user2@example\.test .*198\.51\.100\.20",
                               stack.doveadm("who").stdout, re.M),
             what="the session")
    finally:
        answer.close()


def test_auth_socket(stack):
    before = len(stack.verified())
    with stack.auth() as auth:
        for mech in sasl.MECHANISMS:
            assert auth.login("user4@example.test", "pw-4", mech=mech,
                              ip="2001:db8::9", service="pop3").ok
            assert not auth.login("user4@example.test", "no", mech=mech).ok
    seen = collections.Counter((v.service, v.address)
                               for v in stack.verified()[before:])
    assert seen == {("pop3", "2001:db8::9"): len(sasl.MECHANISMS),
                    ("imap", "127.0.0.1"): len(sasl.MECHANISMS)}


def test_auth_socket_is_open_to_any_user(stack):
    out = subprocess.run(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
         "/usr/bin/python3", "-c", "import socket, sys; "
         "socket.socket(socket.AF_UNIX).connect(sys.argv[1])",
         stack.env["AUTH_SOCKET"]], check=False)
    assert out.returncode == 0


def test_slow_backend_verifies_side_by_side(stack):
    stack.passdb(delay_ms=4000)
    before = len(stack.verified())
    with stack.auth() as auth:
        ids = [auth.send("user5@example.test", f"guess-{i}", ip="192.0.2.1")
               for i in range(200)]
        assert len(stack.verified()) == before  # all wait, none was counted
        assert not any(auth.wait(i).ok for i in ids)
    found = stack.verified()[before:]
    assert len(found) == 200
    # One after the other they would have taken five minutes.
    assert found[-1].time - found[0].time < 60


@pytest.mark.parametrize("mech", ["PLAIN", "SCRAM-SHA-256"])
def test_backend_failure_is_no_verification(stack, mech):
    stack.passdb(fail=True)
    before = len(stack.verified())
    answer = stack.login("imap", 1, mech=mech)
    assert not answer.ok and "[UNAVAILABLE]" in answer.text
    assert len(stack.verified()) == before
    stack.passdb()
    assert stack.login("imap", 1, mech=mech).ok
    assert len(stack.verified()) == before + 1


def test_backend_stalls(stack):
    stack.passdb(stall=True)
    before = len(stack.verified())
    with stack.auth() as auth, stack.auth() as other:
        ids = [auth.send("user5@example.test", f"guess-{i}") for i in range(9)]
        assert other.login("user6@example.test", "token-6", ip="192.0.2.1",
                           mech="XOAUTH2").ok
        assert len(stack.verified()) == before
        stack.passdb()
        assert not any(auth.wait(i).ok for i in ids)
    assert len(stack.verified()) == before + 9


def test_lookup_without_login_is_no_verification(stack):
    before = len(stack.verified())
    found = stack.doveadm("user", "user6@example.test")
    assert "/mail/user6\n" in found.stdout
    assert stack.doveadm("user", "user11@example.test").returncode != 0
    assert len(stack.verified()) == before


def test_mail_is_accepted(stack):
    for door in ("submission", "smtp"):
        answer = stack.login(door, 7, ip="203.0.113.7", keep=True)
        smtp = answer.connection
        smtp.sendmail("user7@example.test", ["someone@elsewhere.example"],
                      "Subject: test\r\n\r\ntest\r\n")
        answer.close()
    poll(lambda: stack.postfix_log().count("relay=none, ") >= 2,
         what="both messages discarded")


def test_smtp_relays_for_nobody_else(stack):
    answer = stack.connect("203.0.113.7", port="SMTP_PORT", keep=True)
    answer.connection.docmd("MAIL", "FROM:<a@elsewhere.example>")
    assert answer.connection.docmd("RCPT", "TO:<user1@example.test>")[0] == 250
    assert answer.connection.docmd("RCPT", "TO:<b@other.example>")[0] == 554
    answer.close()


def test_many_connections_at_once(stack):
    kept = [stack.login("imap", 8, ip=f"192.0.2.{i % 250 + 1}", keep=True)
            for i in range(150)]
    assert all(answer.ok for answer in kept)
    for answer in kept:
        answer.close()


def test_nothing_unusual_in_the_logs(stack):
    unusual = [line for line in stack.dovecot_log().splitlines()
               if dovecot.is_trouble(line)]
    unusual += [line for line in stack.postfix_log().splitlines()
                if re.search(r"warning:|error:|fatal:|panic:", line)
                and "authentication failed: " not in line]
    assert unusual == []


def test_part_stopped_and_started(stack):
    for part in ("dovecot", "postfix"):
        stack.stop(part)
        stack.start(part)
    assert stack.login("smtp", 1).ok


def test_ports_are_the_stacks_while_it_is_there(place, monkeypatch):
    stack = Stack(place / "s", bare=True).up()
    try:
        stack.stop("dovecot")
        wanted = int(stack.env["IMAP_PORT"])
        monkeypatch.setattr(ports.random, "shuffle", lambda free: free.sort(
            key=lambda port: port == wanted))  # the last is tried first

        def reserved():
            reservation = ports.Reservation(["any"])
            reservation.release()
            return reservation.ports["any"]
        assert reserved() != wanted
        stack.start("dovecot")
    finally:
        stack.down()
    assert reserved() == wanted


# ---- stacks of their own ----------------------------------------------


@pytest.fixture
def place():
    """A directory that all may walk to; pytest's tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


def test_auth_cache():
    with Stack(bare=True, dovecot=["auth_cache_size = 1M"]) as stack:
        for name in ("user1@example.test", "alias1@example.test"):
            with stack.auth() as auth:
                for _ in range(3):
                    assert auth.login(name, "pw-1").ok
        # An alias's cached answer is for the name that was typed.
        assert [v.user for v in stack.verified()] == [
            "user1@example.test", "alias1@example.test"]


def test_passwd_file(place):
    passwords = place / "passwords"
    passwords.write_text("somebody@example.test:{PLAIN}secret\n")
    with Stack(bare=True, passwd_file=passwords) as stack:
        with stack.auth() as auth:
            assert auth.login("somebody@example.test", "secret").ok
            assert not auth.login("somebody@example.test", "pw-1").ok
            assert not auth.login("user1@example.test", "pw-1").ok
        assert stack.verified() == []


def assert_gone(stack, pids):
    assert stack.processes() == []
    for process in pids:
        assert not process.alive()


def test_two_side_by_side_and_down():
    with Stack(bare=True, users=10000) as one, Stack(bare=True) as two:
        assert one.login("smtp", 10000).ok
        assert not two.login("smtp", 10000).ok
        pids = two.processes()
        assert len(pids) > 5
        two.down()
        assert_gone(two, pids)
        assert one.login("pop3", 1).ok
        assert "nothing was running" in two.down()


def test_down_after_masters_were_killed():
    with Stack(bare=True) as stack:
        stack.login("imap", 1, keep=True)
        pids = stack.processes()
        for part in ("dovecot", "postfix"):
            stack.master(part).signal(signal.SIGKILL)
        for part in ("dovecot", "postfix"):
            poll(lambda part=part: not stack.master(part).alive(),
                 what="a dead master")
        assert "dovecot was not running any more" in stack.down()
        assert_gone(stack, pids)


def test_up_that_fails_leaves_nothing(place):
    stack = Stack(place / "s", bare=True,
                  dovecot=["default_internal_user = no-such-user"])
    with pytest.raises(StackError, match="no-such-user"):
        stack.up()
    assert stack.processes() == []
    assert "nothing was running" in stack.down()


@pytest.mark.parametrize("spoil,words", [
    (lambda d: (d / "file").touch(), "is not empty"),
    (lambda d: d.parent.chmod(0o700), "cannot be walked"),
])
def test_directory_refused(place, spoil, words):
    target = place / "here" / "stack"
    target.mkdir(parents=True)
    spoil(target)
    with pytest.raises(StackError, match=words):
        Stack(target, bare=True).up()


def test_needs_root():
    script = pathlib.Path(COMMAND)
    out = subprocess.run(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
         script, "up", "/tmp/no-such-stack"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert out.returncode != 0 and "needs root" in out.stdout


# ---- the parts that only a stack with Lockstep has ---------------------


def test_policy_keeps_all_but_the_stacks_keys():
    text = 'mode = "observe"\nstate-dir     = "/run/lockstep"\n' \
           '  group = "lockstep"\nlimit ip { lock = "1m..2m" }\n'
    merged = guard.merge_config(text)
    active = [line for line in merged.splitlines()
              if not line.strip().startswith("#")]
    assert active == ['mode = "observe"', 'limit ip { lock = "1m..2m" }']
    assert merged.count("\n") == text.count("\n")
    with pytest.raises(StackError, match="the stack's own"):
        guard.merge_config('webhook "stack" { url = "http://x" }')


@pytest.mark.parametrize("places,names", [
    (products.AUTH_MODULE, "authdb_lockstep_{version,init,deinit}"),
    (products.MAIL_PLUGIN, "lockstep_plugin_{version,preinit,init,deinit}"),
])
def test_modules_export_their_entry_points(places, names):
    """All modules of a process share one namespace with it."""
    out = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=just-symbols",
         products.find(places)], text=True, stdout=subprocess.PIPE, check=True)
    prefix, ends = re.fullmatch(r"(\w+)\{(.*)\}", names).groups()
    assert sorted(out.stdout.split()) == sorted(
        prefix + end for end in ends.split(","))


def post(port, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/x", data=body,
                                     headers={"Webhook-Id": "msg_1"})
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as e:
        return e.code


def test_webhook_receiver(place):
    reservation = ports.Reservation(["webhook"])
    port = reservation.ports["webhook"]
    log, control = place / "log", place / "control"
    receiver = subprocess.Popen(
        [sys.executable, "-B", guard.__file__.replace(
            "guard.py", "webhook_receiver.py"), str(port), log, control])
    try:
        def answers():
            try:
                return post(port, b"first")
            except urllib.error.URLError:
                return None
        assert poll(answers, what="the receiver") == 200
        control.write_text("status=503 count=2")
        assert [post(port, b"\xff{}") for _ in range(3)] == [503, 503, 200]
        requests = [json.loads(line) for line in log.read_text().splitlines()]
        assert [r["status"] for r in requests] == [200, 503, 503, 200]
        assert requests[1]["body"].encode(errors="surrogateescape") == b"\xff{}"
        assert requests[1]["headers"]["webhook-id"] == "msg_1"
    finally:
        receiver.terminate()
        receiver.wait()
        reservation.release()

"""lockstep-policy alone, at the two ends of its pipe: what it answers to who
connects, and what goes wrong."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from lib.layout import TOP
from lib.policyfilter import (DUNNO, FREE, LOCKED, REFUSED, TIMEOUT, Filter,
                              World, program, request)
from lib.ports import Reservation
from lib.stack import poll


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


# ---- what is answered ------------------------------------------------------


def test_answers(world):
    with Filter(world) as f:
        assert f.ask(request()) == REFUSED
        assert f.ask(request("XCLIENT")) == REFUSED
        for state in ("EHLO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE"):
            assert f.ask(request(state)) == DUNNO
        assert f.ask(request(address=FREE)) == DUNNO
        world.cli("lock", FREE)
        assert f.ask(request(address=FREE)) == REFUSED
        world.cli("unlock", FREE)
        assert f.ask(request(address=FREE)) == DUNNO
        assert f.end() == ""


@pytest.mark.parametrize("args,words,refused", [
    ([], {"port": "587"}, True),
    ([], {"port": "25"}, False),
    ([], {"port": "unknown"}, False),
    ([], {"port": "25", "policy_context": "submission"}, True),
    ([], {"port": "587", "policy_context": "mx"}, False),
    (["-o"], {"port": "25"}, True),
    (["-r", "submission"], {"port": "25"}, True),
    (["-r", "mx"], {"port": "587"}, False),
    (["-r", "mx"], {"port": "25", "policy_context": "submission"}, True),
    (["-r", "mx", "-o"], {"port": "587"}, True),
    (["-r", "submission"], {"port": "25", "policy_context": "auto"}, True),
])
def test_role(world, args, words, refused):
    with Filter(world, *args) as f:
        assert f.ask(request(**words)) == (REFUSED if refused else DUNNO)
        assert f.end() == ""


def test_reveal(world):
    world.compile('reveal = "always"\ndenied = { "198.51.100.0/24" }')
    world.cli("lock", "--for", "90m", FREE)
    with Filter(world) as f:
        text = f.ask(request(address=FREE)).decode()
        minutes = re.fullmatch("action=421 4.7.0 Your network is locked, try "
                               r"again in (\d+) minutes\n\n", text)
        assert minutes and int(minutes[1]) in (90, 91)
        assert f.ask(request(address="198.51.100.9")) == \
            b"action=421 4.7.0 Your network may not use this service\n\n"


def test_ipv6(world):
    world.cli("lock", "2001:db8:1:2::1")
    with Filter(world) as f:
        assert f.ask(request(address="2001:db8:1:2:ffff::9")) == REFUSED
        assert f.ask(request(address="2001:db8:1:3::1")) == DUNNO
        assert f.ask(request(address=f"::ffff:{LOCKED}")) == REFUSED


def test_refused_connections_in_the_hour(world):
    """What is refused is a part of all."""
    with Filter(world) as f:
        assert f.ask(request()) == REFUSED
    # lockstepd does not run here: that is a problem.
    hour = json.loads(world.cli("status", "--json", code=1))["last_hour"]
    assert hour["all"]["logins"] == hour["all"]["refused"] > 0


def test_observe(world):
    world.compile('mode = "observe"')
    with Filter(world) as f:
        assert f.ask(request()) == DUNNO
    assert "would be refused" in world.cli("events")


# ---- what goes wrong -------------------------------------------------------


def until(f, want):
    poll(lambda: f.ask(request()) == want, what=want)


def test_missing_policy_heals(world):
    away = world.policy.rename(world.dir / "away")
    with Filter(world) as f:
        for _ in range(50):
            assert f.ask(request()) == DUNNO
        away.rename(world.policy)
        until(f, REFUSED)
        log = f.end().splitlines()
    assert len(log) == 2
    assert "error: " in log[0] and f"{world.policy}: no such file" in log[0]
    assert "connections are decided again" in log[1]


def test_missing_guard_heals(world):
    (world.state / "guard").unlink()
    with Filter(world) as f:
        for _ in range(50):
            assert f.ask(request()) == DUNNO
        assert not (world.state / "guard").exists()  # it makes none
        world.cli("lock", LOCKED)
        until(f, REFUSED)
        log = f.end().splitlines()
    assert len(log) == 2 and f"{world.state}/guard: no such map" in log[0]


def test_replaced_guard_is_followed(world):
    """`lockstep init` carries the locks over, and the filter goes along."""
    with Filter(world) as f:
        assert f.ask(request()) == REFUSED
        world.cli("init")
        assert f.ask(request()) == REFUSED
        world.cli("unlock", LOCKED)
        until(f, DUNNO)
        assert f.end().count("\n") <= 2


def test_truncated_guard(world):
    with Filter(world) as f:
        assert f.ask(request()) == REFUSED
        os.truncate(world.state / "guard", 8192)
        for _ in range(50):
            f.ask(request())  # any answer, and no crash
        assert f.ask(request(address=FREE)) == DUNNO
        assert "truncated while in use" in f.end()


def test_new_policy(world):
    with Filter(world) as f:
        assert f.ask(request(address=FREE)) == DUNNO
        world.compile(f'denied = {{ "{FREE}/32" }}')
        assert f.ask(request(address=FREE)) == REFUSED
        world.compile()
        assert f.ask(request(address=FREE)) == DUNNO
        assert f.end() == ""


def test_garbage(world):
    with Filter(world) as f:
        for _ in range(100):
            assert f.ask(b"\n") == DUNNO
            assert f.ask(b"GET / HTTP/1.0\n\n") == DUNNO
            assert f.ask(request(address="unknown")) == DUNNO
            assert f.ask(request(address="1.2.3\x1b[31m")) == DUNNO
            assert f.ask(request(policy_context='submision"')) == REFUSED
            noise = os.urandom(300).replace(b"\n", b"")
            assert f.ask(noise + b"\n\n") == DUNNO
        log = f.end()
    assert log.count("\n") == 3 and "\x1b" not in log


def test_endless_request(world):
    with Filter(world) as f:
        thread = f.send_beside(b"x" * 10_000_000)
        assert f.answers() == DUNNO
        thread.join()
        thread = f.send_beside(b"y" * 10_000_000 + b"\n\n" + request())
        assert f.answers() == REFUSED
        thread.join()
        assert f.end().count("\n") == 1


def test_pipelined(world):
    with Filter(world) as f:
        thread = f.send_beside((request() + request("RCPT")) * 500)
        assert f.answers(1000) == (REFUSED + DUNNO) * 500
        thread.join()
        thread = f.send_beside(b"\n" * 100_000)
        assert f.answers(100_000) == DUNNO * 100_000
        thread.join()


def test_one_byte_at_a_time(world):
    with Filter(world) as f:
        for byte in request():
            f.sock.sendall(bytes([byte]))
        assert f.answers() == REFUSED


@pytest.mark.parametrize("cut", [0, 1, 30, -1])
def test_client_hangs_up(world, cut):
    with Filter(world) as f:
        f.sock.sendall(request()[:cut])
        assert f.end() == ""


def test_client_hangs_up_before_the_answer(world):
    with Filter(world) as f:
        f.sock.sendall(request() * 500)
        assert f.end() == ""


def test_half_closed(world):
    with Filter(world) as f:
        f.sock.sendall(request())
        f.sock.shutdown(socket.SHUT_WR)
        assert f.answers() == REFUSED
        assert f.process.wait(TIMEOUT) == 0


def test_slow_reader(world):
    data, sent = request() * 20000, 0
    with Filter(world) as f:
        f.sock.setblocking(False)
        while True:  # until nothing fits into it any more
            try:
                sent += f.sock.send(data[sent:])
            except BlockingIOError:
                break
        f.sock.settimeout(TIMEOUT)
        thread = f.send_beside(data[sent:])
        assert f.answers(20000) == REFUSED * 20000
        thread.join()


def test_descriptors_that_do_not_block(world):
    ask, answer = os.pipe(), os.pipe()
    for fd in (ask[0], answer[1]):
        os.set_blocking(fd, False)
    process = subprocess.Popen([program(), "-p", str(world.policy)],
                               stdin=ask[0], stdout=answer[1])
    os.close(ask[0])
    os.close(answer[1])

    def send():
        with open(ask[1], "wb") as f:
            f.write(request() * 5000)

    thread = threading.Thread(target=send)
    thread.start()
    with open(answer[0], "rb") as f:
        assert f.read() == REFUSED * 5000
    thread.join()
    assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("args,words", [
    (["-x"], 'no such option "x"'),
    (["-r", "foo"], 'option -r with "foo"'),
    (["-r"], 'no value for option "r"'),
    (["junk"], 'no use for argument "junk"'),
])
def test_mistaken_command_line(world, args, words):
    """Mail goes on; one line."""
    with Filter(world, *args) as f:
        for _ in range(10):
            assert f.ask(request()) == DUNNO
        log = f.end()
    assert log.count("\n") == 1 and words in log


def test_killed_amid_requests(world):
    """It holds nothing that others wait for."""
    for _ in range(20):
        with Filter(world) as f:
            thread = f.send_beside(request() * 200)
            assert f.answers().startswith(REFUSED)
            f.process.send_signal(signal.SIGKILL)
            f.process.wait()
            f.sock.shutdown(socket.SHUT_RDWR)
            thread.join()
    with Filter(world) as f:
        assert f.ask(request()) == REFUSED
    assert "0 findings" in world.cli("verify")


# ---- what it says ----------------------------------------------------------


def said_by_the_sources():
    """The lines that it can log, each format's arguments a %."""
    lines = set()
    for path in (TOP / "postfix-saslhook").glob("*.c"):
        for call in re.findall(
                r'(?:log_line\(LOG_\w+,|snprintf\(line, sizeof\(line\),|'
                r'complain\(decider, \w+, now_ms,)\s*((?:"(?:[^"\\]|\\.)*"\s*)+)',
                path.read_text()):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call))
            lines.add(text.replace("%s", "%").replace('\\"', '"'))
    return lines - {"%", "% (and %"}  # any of the others


def said_by_the_page():
    page = (TOP / "doc/lockstep-policy.8.in").read_text()
    section = page.partition(".Sh DIAGNOSTICS")[2].partition(".Sh")[0]
    lines = set()
    for item in re.findall(r"^\.It ((?:Li|Ar) .*)$", section, re.M):
        item = re.sub(r"\bAr \w+", "%", item).replace(r"\(dq", "\0")
        item = item.replace('"', "").replace("\0", '"')
        lines.add(re.sub(r" ?\bNs (?:Li )?|\bLi ", "", item))
    return lines


def test_manual_has_every_line():
    lines = said_by_the_sources()
    assert len(lines) > 10 and said_by_the_page() == lines


def test_address_of_an_account_may_be_unknown(world):
    """It is told, and the account is looked for by its name."""
    world.cli("freeze", "joe@example.test")
    with Filter(world) as f:
        assert f.ask(request("RCPT", "unknown")) == DUNNO
        assert f.ask(request("RCPT", "unknown", recipient="a@x.example",
                             sasl_username="joe@example.test")).startswith(
                                 b"action=421 4.7.1 ")
        log = f.end()
    assert log.endswith('client_address "unknown" is no address\n'), log


# ---- where it logs ---------------------------------------------------------


def test_standard_error_is_the_client(world):
    """Nothing that it says may reach Postfix as an answer."""
    world.policy.unlink()
    with Filter(world, "-l", "stderr", log=False) as f:
        assert f.ask(request()) == DUNNO
        fd = pathlib.Path(f"/proc/{f.process.pid}/fd/2")
        assert os.readlink(fd) == "/dev/null"
        assert f.end() == ""


def test_standard_error(world):
    world.policy.unlink()
    with Filter(world, "-l", "stderr", log=False, apart=True) as f:
        assert f.ask(request()) == DUNNO
        f.sock.close()
        said = f.process.stderr.read().decode()
    assert said.startswith("lockstep-policy[") and "error: " in said


def test_log_that_cannot_be_written(world):
    world.policy.unlink()
    with Filter(world, "-l", "/nonexistent/x", log=False) as f:
        assert f.ask(request()) == DUNNO
    os.mkfifo(world.dir / "log")
    with Filter(world) as f:
        assert f.ask(request()) == DUNNO
        f.sock.close()
        assert f.process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("redirection,code", [
    ("<&-", 1), (">&-", 1), ("2>&-", 0), ("2>&- </dev/null", 0)])
def test_closed_descriptors(redirection, code):
    out = subprocess.run(
        ["sh", "-c", f'exec "$0" -p /nonexistent {redirection}', program()],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False)
    assert out.returncode == code


def test_introduces_itself():
    text = subprocess.check_output([program(), "-V"], text=True)
    assert re.fullmatch(r"lockstep-policy \d+\.\d+\.\d+\S*\n", text)
    assert b"usage: " in subprocess.check_output([program(), "-h"])


def test_damaged_contacts(world):
    """Told, once; all else goes on."""
    (world.dir / "contacts").write_text("garbage")
    with Filter(world) as f:
        for _ in range(3):
            assert f.ask(request()) == REFUSED
        log = f.log.read_text()
    assert log.count("\n") == 1 and "contacts: " in log, log
    assert "going on without it" in log


def test_contacts_become_unusable(world):
    """A running filter says so, once; and explain does not say that it has none."""
    with Filter(world) as f:
        for text in ("", "garbage", "garbage again"):
            if text:
                (world.dir / "fresh").write_text(text)
                os.rename(world.dir / "fresh", world.dir / "contacts")
            for _ in range(2):
                assert f.ask(request()) == REFUSED
                time.sleep(1.1)
        log = f.log.read_text()
    assert log.count("\n") == 1 and "contacts: " in log, log
    assert "going on without it" in log


def connected(port):
    """To what listens there, once it does."""
    with contextlib.suppress(OSError):
        return socket.create_connection(("127.0.0.1", port), TIMEOUT)
    return None


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="no systemd on this machine")
def test_as_a_socket_starts_it(world):
    """By systemd, with Accept=yes: one filter for each connection."""
    reservation = Reservation(["policy"])
    port = reservation.ports["policy"]
    with subprocess.Popen(
            ["systemd-socket-activate", "--listen", f"127.0.0.1:{port}",
             "--accept", "--inetd", program(), "-p", world.policy],
            stderr=subprocess.DEVNULL) as activator:
        try:
            for address, answer in ((LOCKED, REFUSED), (FREE, DUNNO)) * 2:
                with poll(lambda: connected(port)) as sock:
                    sock.settimeout(TIMEOUT)
                    sock.sendall(request(address=address))
                    assert sock.recv(4096) == answer
        finally:
            activator.terminate()
            reservation.release()

"""lockstep-policy alone, at the two ends of its pipe: no Postfix, but the real
program on a real policy and a real guard."""

import socket
import subprocess
import threading

from . import products

DUNNO = b"action=DUNNO\n\n"
REFUSED = b"action=421 4.7.0 Service not available, try again later\n\n"
LOCKED, FREE = "192.0.2.7", "192.0.2.8"
TIMEOUT = 60


def request(state="CONNECT", address=LOCKED, port="587", **more):
    words = {"request": "smtpd_access_policy", "protocol_state": state,
             "client_address": address, "server_port": port, **more}
    text = "".join(f"{name}={value}\n" for name, value in words.items())
    return text.encode() + b"\n"


class World:
    """A policy and a guard of its own."""

    def __init__(self, directory):
        self.dir = directory
        self.policy = directory / "policy.cdb"
        self.conf = directory / "lockstep.conf"
        self.state = directory / "state"
        self.state.mkdir()
        self.compile()
        self.cli("lock", LOCKED)

    def cli(self, *args, code=0):
        program = products.find(products.PROGRAMS["lockstep"])
        out = subprocess.run([program, "-p", self.policy, *args], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False)
        assert out.returncode == code, out
        return out.stdout

    def compile(self, text=""):
        self.conf.write_text(f'state-dir = "{self.state}"\ngroup = ""\n'
                             f"subjects = 1024\n{text}\n")
        self.cli("compile", self.conf)


def program():
    return str(products.find(products.PROGRAMS["lockstep-policy"]))


class Filter:
    """One that runs. Its standard error is the client too, unless apart: so
    spawn(8) and systemd have it."""

    def __init__(self, world, *args, log=True, apart=False):
        self.log = world.dir / "log"
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(TIMEOUT)
        target = ["-l", str(self.log)] if log else []
        self.process = subprocess.Popen(
            [program(), "-p", str(world.policy), *target, *args],
            stdin=theirs, stdout=theirs,
            stderr=subprocess.PIPE if apart else theirs)
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.sock.close()
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def ask(self, data, count=1):
        self.sock.sendall(data)
        return self.answers(count)

    def answers(self, count=1):
        got = b""
        while got.count(b"\n\n") < count:
            data = self.sock.recv(65536)
            assert data, got
            got += data
        return got

    def send_beside(self, data):
        """Send more than fits while answers are read."""
        thread = threading.Thread(target=self.sock.sendall, args=(data,))
        thread.start()
        return thread

    def end(self):
        """Hang up; returns what it logged."""
        self.sock.close()
        assert self.process.wait(TIMEOUT) == 0
        return self.log.read_text() if self.log.exists() else ""

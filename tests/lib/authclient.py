"""A client of Dovecot's auth socket, as Postfix is one.

The protocol lets its client say from which address and for which service a
login is, and any number of logins be under way on one connection:

    with AuthClient(env["AUTH_SOCKET"]) as auth:
        reply = auth.login("user1@example.test", "pw-1", ip="192.0.2.7")
        ids = [auth.send(user, pw, ip="192.0.2.7") for pw in guesses]
        replies = [auth.wait(i) for i in ids]

An AuthClient belongs to one thread.
"""

import base64
import random
import socket
from dataclasses import dataclass, field

from . import alike, sasl


@dataclass
class Reply:
    """What came of a request: "OK" or "FAIL", and the parameters with it."""

    kind: str
    fields: dict = field(default_factory=dict)

    @property
    def ok(self):
        return self.kind == "OK"

    @property
    def text(self):
        words = [k if v is True else f"{k}={v}" for k, v in self.fields.items()]
        return " ".join([self.kind, *words])


class AuthClient:
    def __init__(self, path, timeout=120):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self.file = self.sock.makefile("rb")
        self.last_id = 0
        self.clients = {}
        self.replies = {}
        self.challenges = {}  # the last one of each request
        self.silent = set()   # requests whose challenges nobody answers
        self.mechs = set()
        # The server wants each connection's number to be another.
        number = random.randint(1, 2**31 - 1)
        self.sock.sendall(f"VERSION\t1\t2\nCPID\t{number}\n".encode())
        while (words := self._words())[0] != "DONE":
            if words[0] == "MECH":
                self.mechs.add(words[1])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def _words(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the auth server hung up")
        return line[:-1].decode().split("\t")

    def send(self, user, password, ip="127.0.0.1", service="imap", mech="PLAIN",
             secured=False, lip="127.0.0.1", **parameters):
        """Send a request and return its id; ip None: as a program that tells
        no address. More parameters of the protocol can be given by name (`_` for
        `-`, but for cert_username), True for those without a value."""
        self.last_id += 1
        alike.note(user, password)
        client = sasl.client(mech, user, password)
        words = ["AUTH", str(self.last_id), mech, f"service={service}",
                 "nologin"]
        if ip is not None:
            words += [f"lip={lip}", f"rip={ip}"]
        if secured:
            words.append("secured")
        for name, value in parameters.items():
            if name != "cert_username":
                name = name.replace("_", "-")
            words.append(name if value is True else f"{name}={value}")
        if client.begins:
            words.append("resp=" + encode(client.step(None)))
        self.clients[self.last_id] = client
        self.sock.sendall(("\t".join(words) + "\n").encode())
        return self.last_id

    def wait(self, request):
        """Read on until the request is answered."""
        while request not in self.replies:
            self._read_one()
        return self.replies.pop(request)

    def challenge(self, request):
        """Read on until the request is challenged, and never answer it."""
        self.silent.add(request)
        while request not in self.challenges:
            self._read_one()
        return self.challenges[request]

    def answer(self, request):
        """Answer the last challenge after all; returns the reply."""
        self.silent.remove(request)
        self._respond(request)
        return self.wait(request)

    def _respond(self, request):
        response = self.clients[request].step(self.challenges[request])
        self.sock.sendall(f"CONT\t{request}\t{encode(response)}\n".encode())

    def _read_one(self):
        kind, *words = self._words()
        if kind not in ("OK", "FAIL", "CONT"):
            return
        number = int(words[0])
        if kind == "CONT":
            self.challenges[number] = base64.b64decode(words[1])
            if number not in self.silent:
                self._respond(number)
            return
        del self.clients[number]
        fields = {}
        for word in words[1:]:
            name, equals, value = word.partition("=")
            fields[name] = value if equals else True
        self.replies[number] = Reply(kind, fields)

    def login(self, *args, **kwargs):
        """Returns when what follows from a success is done, too: the server
        journals it after its answer. It does one thing at a time, and greets
        a new client next."""
        reply = self.wait(self.send(*args, **kwargs))
        if reply.ok:
            AuthClient(self.path).close()
        return reply


def encode(data):
    return base64.b64encode(data).decode()

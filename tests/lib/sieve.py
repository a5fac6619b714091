"""A ManageSieve client (RFC 5804), as far as logging in goes."""

import base64
import re
import socket


class Error(Exception):
    """What the server said instead of OK, or that it hung up."""


class ManageSieve:
    def __init__(self, host, port, timeout):
        self.sock = socket.create_connection((host, port), timeout)
        self.file = self.sock.makefile("rb")
        try:
            self.response()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.file.close()
        self.sock.close()

    def _line(self):
        """One line, with the literal that may end it."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Error("the server hung up")
        line = line[:-2]
        if literal := re.search(rb"\{(\d+)\}$", line):
            line = line[:literal.start()] + self.file.read(int(literal[1]))
            line += self._line()
        return line

    def _send(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def response(self):
        """Read up to the OK line; raises Error with a NO or BYE line."""
        while True:
            text = self._line().decode(errors="replace")
            word = text.split(" ", 1)[0].upper()
            if word == "OK":
                return text
            if word in ("NO", "BYE"):
                raise Error(text)

    def command(self, text):
        self._send(text)
        return self.response()

    def noop(self):
        return self.command("NOOP")

    def starttls(self, context, host):
        self.command("STARTTLS")
        self.file.close()
        self.sock = context.wrap_socket(self.sock, server_hostname=host)
        self.file = self.sock.makefile("rb")
        self.response()

    def authenticate(self, mech, client):
        """Returns the OK line; raises Error with a NO or BYE line."""
        command = f'AUTHENTICATE "{mech}"'
        if client.begins:
            command += f' "{encode(client.step(None))}"'
        self._send(command)
        while True:
            line = self._line()
            text = line.decode(errors="replace")
            if re.match(r"(OK|NO|BYE)\b", text, re.I):
                if text[:2].upper() != "OK":
                    raise Error(text)
                return text
            challenge = base64.b64decode(line.strip(b'"'))
            self._send(f'"{encode(client.step(challenge))}"')


def encode(data):
    return base64.b64encode(data).decode()

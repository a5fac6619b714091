"""Free ports, without a race.

A port is reserved by a bound socket that never listens. It is bound
exclusively, so no other reservation and no other program gets the port; then
it is told to share, so that a server (which also says SO_REUSEADDR, as they all
do) can listen beside it. The reservation is held until the server answers.

A stack keeps its ports for as long as it is there, also while a server of it is
stopped: they are written in a book, which every reservation reads first. Ports
below the range that the kernel hands to outgoing connections are taken, so that
no client gets one of them meanwhile.
"""

import contextlib
import fcntl
import json
import os
import random
import socket

LOWEST = 10240
BOOK = "/run/lockstep-stack-ports"


def kernel_range_start():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError):
        return 32768


@contextlib.contextmanager
def book():
    """{port: directory of the stack that has it}, to read and to change, for
    one process at a time. A stack whose directory is gone has no ports."""
    with open(BOOK, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            entries = json.load(file)
        except ValueError:  # new, or its writer was killed
            entries = {}
        entries = {int(port): owner for port, owner in entries.items()
                   if os.path.exists(owner)}
        yield entries
        file.truncate(0)
        json.dump(entries, file)


def forget(owner):
    """The ports of a stack that is down are free for others."""
    with book() as entries:
        for port in [p for p, o in entries.items() if o == str(owner)]:
            del entries[port]


class Reservation:
    """`ports` maps each of the names to a port on 127.0.0.1. owner: the
    directory of the stack whose ports they are to stay after the release."""

    def __init__(self, names, owner=None):
        self.sockets = {}
        self.ports = {}
        end = max(kernel_range_start(), LOWEST + 1024)
        with book() as entries:
            free = list(set(range(LOWEST, end)) - entries.keys())
            random.shuffle(free)
            for name in names:
                self.sockets[name] = self._take(free)
                self.ports[name] = self.sockets[name].getsockname()[1]
            if owner:
                entries.update(dict.fromkeys(self.ports.values(), str(owner)))

    @staticmethod
    def _take(candidates):
        while candidates:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                sock.bind(("127.0.0.1", candidates.pop()))
            except OSError:
                sock.close()
                continue
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return sock
        raise OSError("no free port left")

    def release(self):
        for sock in self.sockets.values():
            sock.close()
        self.sockets = {}

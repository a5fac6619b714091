"""Free ports, without a race.

A port is reserved by a bound socket that never listens. It is bound
exclusively, so no other reservation and no other program gets the port; then
it is told to share, so that a server (which also says SO_REUSEADDR, as they all
do) can listen beside it.

A stack keeps its ports for as long as it is up, also while a server of it is
stopped: a process of the stack holds the sockets (HOLDER), so the kernel is
the only book of what is taken. Ports below the range that it hands to outgoing
connections are taken, so that no client gets one of them meanwhile.
"""

import random
import socket

LOWEST = 10240
# Lives until it is told to end, and does nothing.
HOLDER = ["sleep", "infinity"]


def kernel_range_start():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError):
        return 32768


class Reservation:
    """`ports` maps each of the names to a port on 127.0.0.1. It lasts until
    release(), and for as long as a process has inherited `sockets`."""

    def __init__(self, names):
        self.sockets = {}
        end = max(kernel_range_start(), LOWEST + 1024)
        free = list(range(LOWEST, end))
        random.shuffle(free)
        for name in names:
            self.sockets[name] = self._take(free)
        self.ports = {name: sock.getsockname()[1]
                      for name, sock in self.sockets.items()}

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

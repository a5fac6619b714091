"""Free ports, without a race.

A port is reserved by a bound socket that never listens. It is bound
exclusively, so no other reservation and no other program gets the port; then
it is told to share, so that a server (which also says SO_REUSEADDR, as they all
do) can listen beside it. The reservation is held until the server answers.
Ports below the range that the kernel hands to outgoing connections are taken,
so that a server can be stopped and started again on its port.
"""

import random
import socket

LOWEST = 10240


def kernel_range_start():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError):
        return 32768


class Reservation:
    """`ports` maps each of the names to a port on 127.0.0.1."""

    def __init__(self, names):
        self.sockets = {}
        self.ports = {}
        end = max(kernel_range_start(), LOWEST + 1024)
        candidates = random.sample(range(LOWEST, end), end - LOWEST)
        for name in names:
            self.sockets[name] = self._take(candidates)
            self.ports[name] = self.sockets[name].getsockname()[1]

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

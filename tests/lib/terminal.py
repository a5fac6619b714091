"""A program on a terminal of its own: what it drew, as a screen of text.

Understands what curses sends to a vt100 and no more.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from .stack import DEADLINE

SEQUENCE = re.compile(rb"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[()][A-Za-z0-9]|"
                      rb"\x1b[=>78HDM]|\x0e|\x0f|\$<\d+[*/]*>")


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.row = self.column = 0
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]

    def lines(self):
        return ["".join(cells).rstrip() for cells in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def feed(self, data):
        """Returns the bytes at the end that are no whole sequence yet."""
        at = 0
        while at < len(data):
            match = SEQUENCE.match(data, at)
            if match:
                self.obey(match)
                at = match.end()
            elif data[at] == 0x1b and len(data) - at < 12:
                return data[at:]
            else:
                self.put(data[at])
                at += 1
        return b""

    def put(self, byte):
        if byte == 8:
            self.column = max(self.column - 1, 0)
        elif byte == 13:
            self.column = 0
        elif byte == 10:
            self.row = min(self.row + 1, self.rows - 1)
        elif byte == 9:
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        elif 32 <= byte < 127:
            self.cells[self.row][min(self.column, self.columns - 1)] = \
                chr(byte)
            self.column += 1

    def obey(self, match):
        numbers = [int(n) if n else 0
                   for n in (match[1] or b"").strip(b"?").split(b";")]
        first, letter = max(numbers[0], 1), match[2]
        if letter in (b"H", b"f"):
            self.row = min(first, self.rows) - 1
            self.column = min(max((numbers + [1])[1], 1), self.columns) - 1
        elif letter == b"A":
            self.row = max(self.row - first, 0)
        elif letter == b"B":
            self.row = min(self.row + first, self.rows - 1)
        elif letter == b"C":
            self.column = min(self.column + first, self.columns - 1)
        elif letter == b"D":
            self.column = max(self.column - first, 0)
        elif letter == b"J" and numbers[0] == 2:
            self.clear()
        elif letter == b"J":
            self.erase(self.column)
            for row in range(self.row + 1, self.rows):
                self.cells[row] = [" "] * self.columns
        elif letter == b"K":
            if numbers[0] == 1:
                self.cells[self.row][:self.column + 1] = \
                    [" "] * (self.column + 1)
            else:
                self.erase(self.column)

    def erase(self, column):
        self.cells[self.row][column:] = [" "] * (self.columns - column)


class Terminal:
    """with Terminal(["lockstep", "top"], env) as terminal: ..."""

    def __init__(self, argv, env, rows=24, columns=80, term="vt100"):
        self.screen = Screen(rows, columns)
        self.raw = self.rest = b""
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        # The path is looked up in the environment given.
        self.process = subprocess.Popen(
            ["env", *argv], env=dict(env, TERM=term), stdin=self.slave,
            stdout=self.slave, stderr=self.slave, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds):
        """What comes in that time, and all that follows at once. The kernel hands
        it over in parts: a screen may be half drawn otherwise."""
        while select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            self.raw += data
            self.rest = self.screen.feed(self.rest + data)
            seconds = 0.05

    def wait_for(self, seen, deadline=DEADLINE):
        """Until seen(text of the screen) is true; returns the text."""
        end = time.monotonic() + deadline
        while not seen(self.screen.text()):
            assert time.monotonic() < end, self.screen.text()
            self.read(0.1)
        return self.screen.text()

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, deadline=DEADLINE):
        """Until the program ends; returns its exit code."""
        end = time.monotonic() + deadline
        while self.process.poll() is None:
            assert time.monotonic() < end, self.screen.text()
            self.read(0.1)
        self.read(0.1)
        return self.process.returncode

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

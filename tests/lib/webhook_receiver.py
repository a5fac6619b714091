"""A receiver of webhooks that keeps every request, whole.

	webhook_receiver.py PORT LOG CONTROL

Each request becomes one line of JSON in LOG, written before it is answered:
time, method, path, headers (names in lower case), body (text; what is not
UTF-8 as surrogate escapes) and the status that was answered.

The answer is 200, unless CONTROL says otherwise: "status=500 count=3" answers
500 to the next three requests ("status=410" alone: to all), "delay_ms=100"
waits before each answer, and "after=20" sends "Retry-After: 20" with what is no
200. The file is read again whenever it changes, and
counting begins anew.
"""

import http.server
import json
import os
import sys
import threading
import time


class Control:
    """What to answer next."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.seen = None
        self.status, self.left, self.delay = 200, 0, 0.0
        self.after = None

    def _refresh(self):
        try:
            st = os.stat(self.path)
            seen = (st.st_ino, st.st_mtime_ns, st.st_size)
        except FileNotFoundError:
            seen = None
        if seen == self.seen:
            return
        self.seen = seen
        words = {}
        if seen:
            with open(self.path) as f:
                words = dict(word.split("=", 1) for word in f.read().split())
        self.status = int(words.get("status", 200))
        self.left = float(words.get("count", "inf"))
        self.delay = int(words.get("delay_ms", 0)) / 1000
        self.after = words.get("after")

    def next_answer(self):
        """(status, seconds to wait before it)"""
        with self.lock:
            try:
                self._refresh()
            except (OSError, ValueError) as e:
                print(f"{self.path}: {e}", file=sys.stderr, flush=True)
            if self.left <= 0:
                return 200, self.delay
            self.left -= 1
            return self.status, self.delay


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers \
                else value
        status, delay = self.server.control.next_answer()
        self.server.keep({
            "time": time.time(), "method": self.command, "path": self.path,
            "headers": headers, "body": body.decode(errors="surrogateescape"),
            "status": status,
        })
        time.sleep(delay)
        self.send_response(status)
        after = self.server.control.after
        if status != 200 and after is not None:
            self.send_header("retry-after", after)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = answer

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, log, control):
        super().__init__(("127.0.0.1", port), Handler)
        self.control = Control(control)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def keep(self, request):
        os.write(self.log, json.dumps(request).encode() + b"\n")


if __name__ == "__main__":
    Server(int(sys.argv[1]), *sys.argv[2:4]).serve_forever()

"""A server of token introspection (RFC 7662) for stacks.

    oauth_server.py PORT LOG

Answers POST /introspect with token=... as an identity provider does: token-<n>
belongs to user<n>@example.test and is good; any other is inactive. Each question
leaves a line in LOG before it is answered:

    time token            (time: seconds.microseconds)
"""

import json
import re
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def introspect(token):
    number = re.fullmatch(r"token-([1-9]\d*)", token)
    if number is None:
        return {"active": False}
    user = f"user{number[1]}@example.test"
    return {"active": True, "username": user, "scope": "mail"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        fields = urllib.parse.parse_qs(self.rfile.read(size).decode())
        token = fields.get("token", [""])[0]
        line = f"{time.time():.6f} {urllib.parse.quote(token)}\n"
        self.server.log.write(line.encode())
        body = json.dumps(introspect(token)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024

    def __init__(self, port, log):
        # Unbuffered: a line is one write().
        self.log = open(log, "ab", buffering=0)
        super().__init__(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    Server(int(sys.argv[1]), sys.argv[2]).serve_forever()

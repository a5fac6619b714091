"""Bearer tokens in a stack: Dovecot's oauth2 passdb, and whom it asks."""

import pathlib
import sys

from . import dovecot, processes


def create(layout):
    if layout.config["oauth"]:
        layout.oauth_log.touch()


def start(layout):
    server = pathlib.Path(__file__).with_name("oauth_server.py")
    argv = [sys.executable, "-B", server, str(layout.port("oauth")),
            layout.oauth_log]
    return processes.spawn(layout, "oauth", argv,
                           dovecot.module_dir() / "auth",
                           layout.dir / "oauth-server.log")

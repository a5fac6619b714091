"""Bearer tokens in a stack: Dovecot's oauth2 passdb, and whom it asks."""

import pathlib
import sys

from . import dovecot, processes

CONFIG = """\
introspection_url = http://127.0.0.1:{port}/introspect
introspection_mode = post
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
max_parallel_connections = 50
"""


def create(layout):
    if layout.config["oauth"]:
        layout.oauth_conf.write_text(CONFIG.format(port=layout.port("oauth")))
        layout.oauth_log.touch()


def start(layout):
    server = pathlib.Path(__file__).with_name("oauth_server.py")
    argv = [sys.executable, "-B", server, str(layout.port("oauth")),
            layout.oauth_log]
    return processes.spawn(layout, "oauth", argv,
                           dovecot.module_dir() / "auth",
                           layout.dir / "oauth-server.log")

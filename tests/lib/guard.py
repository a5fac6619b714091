"""The Lockstep part of a stack: lockstep.conf, policy, state, lockstepd, and
the receiver of its webhook."""

import base64
import os
import pathlib
import re
import secrets
import subprocess
import sys
import tempfile

from . import dovecot, processes, products
from .layout import StackError, replace

STACK_KEYS = ["state-dir", "group"]
STACK_WEBHOOK = "stack"

CONFIG = """
# ---- the stack's own ----
state-dir = "{state}"
group = "{group}"
webhook "{webhook}" {{
    url = "http://127.0.0.1:{port}/lockstep"
    secret-file = "{secret}"
    events = {{ "lock", "unlock" }}
    digest = "0s"
}}
"""


def make_state_dir(layout):
    """The maps belong on tmpfs. Returns the directory's path."""
    if os.path.ismount("/dev/shm") and os.access("/dev/shm", os.W_OK):
        state = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-stack.",
                                              dir="/dev/shm"))
    else:
        state = layout.dir / "state"
        state.mkdir()
    state.chmod(0o755)
    return state


def merge_config(text):
    """An administrator's lockstep.conf without the settings that are the
    stack's. Lines keep their numbers, for messages."""
    if re.search(rf'^\s*webhook\s+"?{STACK_WEBHOOK}"?\s*\{{', text, re.M):
        raise StackError(f'the policy has a webhook "{STACK_WEBHOOK}", '
                         "which is the stack's own")
    keys = "|".join(STACK_KEYS)
    return re.sub(rf"^(\s*)(({keys})\s*=.*)$", r"\1# set by the stack: \2",
                  text, flags=re.M)


def write_config(layout, text):
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    replace(layout.webhook_secret, secret + "\n", 0o600)
    own = CONFIG.format(
        state=layout.state, group=dovecot.GROUP, webhook=STACK_WEBHOOK,
        port=layout.port("webhook"), secret=layout.webhook_secret)
    layout.lockstep_conf.write_text(merge_config(text) + own,
                                    errors="surrogateescape")


def create(layout, text):
    layout.bin.mkdir()
    for places in products.PROGRAMS.values():
        products.copy(places, layout.bin)
    write_config(layout, text)
    layout.policy.parent.mkdir(mode=0o755)
    layout.webhook_log.touch(mode=0o600)
    compile_policy(layout)


def compile_policy(layout):
    command = [layout.bin / "lockstep", "compile", "-o", layout.policy,
               layout.lockstep_conf]
    out = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    if out.returncode != 0:
        raise StackError(f"lockstep compile: {out.stdout.strip()}")


def start_daemon(layout):
    argv = [layout.bin / "lockstepd", "-p", layout.policy]
    return processes.spawn(layout, "lockstepd", argv,
                           dovecot.module_dir() / "auth", layout.lockstepd_log)


def start_webhook(layout):
    receiver = pathlib.Path(__file__).with_name("webhook_receiver.py")
    argv = [sys.executable, "-B", receiver, str(layout.port("webhook")),
            layout.webhook_log, layout.webhook_control]
    return processes.spawn(layout, "webhook", argv,
                           dovecot.module_dir() / "auth",
                           layout.dir / "webhook-receiver.log")

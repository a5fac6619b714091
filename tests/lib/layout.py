"""Where everything of one stack is, and what it was started with.

A stack is a directory. stack.json in it holds all that `down`, `start` and
`stop` need to know, and is written before the first process starts; `env` is
the same for shells, written when everything answers.
"""

import json
import os
import pathlib
import re
import secrets
import shlex
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# What the stack's environment file tells, in this order.
PORTS = {
    "IMAP_PORT": "imap",
    "IMAPS_PORT": "imaps",
    "POP3_PORT": "pop3",
    "SIEVE_PORT": "sieve",
    "DSUBMISSION_PORT": "dsubmission",
    "SMTP_PORT": "smtp",
    "SUBMISSION_PORT": "submission",
    "WEBHOOK_PORT": "webhook",
    "OAUTH_PORT": "oauth",
}

# A unix socket's path has 107 bytes; Dovecot's longest name below DIR is
# run/token-login/imap-urlauth.
DIR_MAX = 107 - len("/run/token-login/imap-urlauth")


class StackError(Exception):
    """Something that the person at the terminal must know."""


class Layout:
    """Paths of a stack, and its settings in `config` (a dict)."""

    def __init__(self, directory):
        self.dir = pathlib.Path(os.path.realpath(directory))
        self.config = {}
        self.config_file = self.dir / "stack.json"
        self.env_file = self.dir / "env"
        self.pids = self.dir / "pids"
        self.bin = self.dir / "bin"
        self.cert = self.dir / "tls/cert.pem"
        self.key = self.dir / "tls/key.pem"
        self.dovecot_conf = self.dir / "dovecot.conf"
        self.dovecot_log = self.dir / "dovecot.log"
        self.dovecot_run = self.dir / "run"
        self.dovecot_state = self.dir / "dovecot-state"
        self.mail_plugins = self.dir / "modules"
        self.mail = self.dir / "mail"
        self.auth_socket = self.dovecot_run / "auth-client"
        self.lmtp_socket = self.dovecot_run / "lmtp"
        self.verified_log = self.dir / "verified.log"
        self.passdb_control = self.dir / "passdb.control"
        self.oauth_conf = self.dir / "dovecot-oauth2.conf.ext"
        self.oauth_log = self.dir / "oauth.log"
        self.postfix_conf = self.dir / "postfix"
        self.postfix_queue = self.dir / "spool"
        self.postfix_data = self.dir / "postfix-data"
        self.postfix_log = self.dir / "postfix.log"
        self.lockstep_conf = self.dir / "lockstep.conf"
        self.lockstepd_log = self.dir / "lockstepd.log"
        self.filter_log = self.dir / "lockstep-policy.log"
        self.policy = self.dir / "policy/policy.cdb"
        self.webhook_log = self.dir / "webhook.log"
        self.webhook_control = self.dir / "webhook.control"
        self.webhook_secret = self.dir / "webhook.secret"

    # ---- settings ----------------------------------------------------

    @property
    def auth_modules(self):
        """Bound over Dovecot's own directory in the stack's namespaces. Its
        name is drawn at random: it is how a process of this stack is known."""
        return self.dir / f"auth-{self.config['token']}"

    @property
    def state(self):
        return pathlib.Path(self.config["state"])

    @property
    def bare(self):
        return self.config["bare"]

    def port(self, name):
        return self.config["ports"][name]

    def create(self, **config):
        """Make the directory, which must not exist or be empty."""
        check_path(self.dir)
        try:
            self.dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as e:
            raise StackError(f"cannot make {self.dir}: {e.strerror}") from e
        if any(self.dir.iterdir()):
            raise StackError(f"{self.dir} is not empty")
        self.dir.chmod(0o755)
        check_walk(self.dir)
        self.config = {"token": secrets.token_hex(8), **config}
        self.pids.mkdir()

    def save(self):
        replace(self.config_file, json.dumps(self.config, indent=1), 0o600)

    def load(self):
        try:
            self.config = json.loads(self.config_file.read_text())
        except FileNotFoundError as e:
            raise StackError(f"there is no stack in {self.dir}") from e
        except ValueError as e:
            raise StackError(f"{self.config_file} is damaged: {e}") from e
        return self

    # ---- the environment file ----------------------------------------

    def environment(self):
        """The variables that a test works with, in order."""
        variables = {"DIR": self.dir}
        for name, port in PORTS.items():
            variables[name] = self.config["ports"].get(port, "")
        variables |= {
            "AUTH_SOCKET": self.auth_socket,
            "LMTP_SOCKET": self.lmtp_socket,
            "CERT": self.cert,
            "DOVECOT_CONF": self.dovecot_conf,
            "DOVECOT_LOG": self.dovecot_log,
            "POSTFIX_CONF": self.postfix_conf,
            "POSTFIX_LOG": self.postfix_log,
            "VERIFIED_LOG": self.verified_log,
            "PASSDB_CONTROL": self.passdb_control,
            "OAUTH_LOG": self.oauth_log,
            "USERS": self.config["users"],
        }
        lockstep = {
            "STATE_DIR": self.state,
            "POLICY": self.policy,
            "LOCKSTEP_POLICY": self.policy,
            "LOCKSTEP_CONF": self.lockstep_conf,
            "LOCKSTEPD_LOG": self.lockstepd_log,
            "FILTER_LOG": self.filter_log,
            "WEBHOOK_LOG": self.webhook_log,
            "WEBHOOK_CONTROL": self.webhook_control,
            "WEBHOOK_SECRET": "",
        }
        if self.bare:
            lockstep = dict.fromkeys(lockstep, "")
        else:
            lockstep["WEBHOOK_SECRET"] = self.webhook_secret.read_text().strip()
        return {k: str(v) for k, v in (variables | lockstep).items()}

    def write_env(self):
        """For root only: the webhook's secret is in it."""
        variables = self.environment()
        lines = [f"{k}={shlex.quote(v)}" for k, v in variables.items()]
        lines.append(f'PATH={shlex.quote(str(self.bin))}:"$PATH"')
        lines.append("export PATH " + " ".join(variables))
        replace(self.env_file, "\n".join(lines) + "\n", 0o600)


def read_env(env_file):
    """The variables that sourcing an env file sets, as a dict."""
    script = '. "$1" && env -0'
    out = subprocess.run(["sh", "-c", script, "sh", str(env_file)],
                         stdout=subprocess.PIPE, check=True, text=True,
                         env={"PATH": os.environ["PATH"]}).stdout
    return dict(item.split("=", 1) for item in out.split("\0") if item)


def replace(path, text, mode=0o644):
    """Write a file so that a reader sees the old or the new one, whole."""
    path = pathlib.Path(path)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w") as f:
        os.fchmod(fd, mode)
        f.write(text)
    new.rename(path)


def check_path(directory):
    """The servers' configuration files have their own ideas of some letters."""
    if not re.fullmatch(r"[A-Za-z0-9._/@+,-]+", str(directory)):
        raise StackError(f"{directory}: use letters, digits and . _ / @ + , - "
                         "in the path of a stack")
    if len(str(directory)) > DIR_MAX:
        raise StackError(f"{directory}: the path is longer than {DIR_MAX} "
                         "bytes; unix sockets below it would not fit")


def check_walk(directory):
    """Dovecot, Postfix and mail users all have to get there."""
    for parent in [*reversed(directory.parents), directory]:
        if not parent.stat().st_mode & 0o001:
            raise StackError(f"{parent} cannot be walked through by everybody, "
                             "so the servers' users would not get to the "
                             "stack: chmod o+x it, or choose another place")


def tail(path, lines=15):
    """The end of a log, to show why something failed."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
    return "".join(f"  {line}\n" for line in text.splitlines()[-lines:])

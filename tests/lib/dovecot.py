"""A private Dovecot: imap, imaps, pop3, sieve, submission, lmtp (2.3 syntax).

Users user1..userN@example.test come from the test passdb (../passdb); their
mail belongs to nobody and is made when they first log in. What stands before
that passdb is Lockstep's own, first in both lists of passdbs: that of master
users is the block that conf.d/ has for them.
"""

import os
import pathlib
import re
import shutil
import subprocess

from . import processes, products
from .layout import TOP, StackError

# Mail users, lockstep-policy, and whoever else may change the maps.
USER, GROUP = "nobody", "nogroup"

MECHANISMS = ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"]
TOKEN_MECHANISMS = ["oauthbearer", "xoauth2"]

CONFIG = """\
protocols = imap pop3 sieve submission lmtp
listen = 127.0.0.1
base_dir = {run}
state_dir = {state}
instance_name = lockstep-{token}
log_path = {log}
import_environment = {environment}
mail_plugin_dir = {plugins}
hostname = mail.example.test

auth_mechanisms = {mechanisms}
auth_verbose = yes
auth_failure_delay = 0 secs
disable_plaintext_auth = no
{passdbs}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}/%n
}}
mail_location = maildir:~/Maildir
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
}}

ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}

# A client on this machine may say from where it comes.
login_trusted_networks = 127.0.0.0/8

submission_relay_host = 127.0.0.1
submission_relay_port = {smtp_port}

# Nothing but the passdbs limits a test.
mail_max_userip_connections = 0
default_client_limit = 16000
default_process_limit = 4000
default_vsz_limit = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
"""

LOGIN_SERVICE = """\
service {name}-login {{
  service_count = 0
  process_limit = 8
{listeners}}}
"""

LISTENER = """\
  inet_listener {name} {{
    port = {port}
  }}
"""

# Login service, its listeners, and their names among the stack's ports (None:
# not open).
LOGINS = {
    "imap": {"imap": "imap", "imaps": "imaps"},
    "pop3": {"pop3": "pop3", "pop3s": None},
    "managesieve": {"sieve": "sieve"},
    "submission": {"submission": "dsubmission"},
}

MAIL_SERVICES = ["imap", "pop3", "managesieve", "submission"]


def default(setting):
    """A setting's built-in value: Debian's own directories, for one."""
    out = subprocess.run(["doveconf", "-d", "-h", setting], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False)
    if out.returncode != 0:
        raise StackError(f"doveconf -d {setting}: {out.stderr.strip()}")
    return out.stdout.strip()


def module_dir():
    return pathlib.Path(default("mail_plugin_dir"))


def write_modules(layout):
    """Copies of the auth modules, since a mount will lie over them, and links
    to all others; and our own."""
    system = module_dir()
    shutil.copytree(system / "auth", layout.auth_modules)
    products.copy(products.PASSDB, layout.auth_modules)
    layout.mail_plugins.mkdir()
    for entry in system.iterdir():
        if entry.name != "auth":
            (layout.mail_plugins / entry.name).symlink_to(entry)
    if not layout.bare:
        products.copy(products.AUTH_MODULE, layout.auth_modules)
        products.copy(products.MAIL_PLUGIN, layout.mail_plugins)


def environment(layout):
    variables = {
        "VERIFIED_USERS": layout.config["users"],
        "VERIFIED_LOG": layout.verified_log,
        "VERIFIED_CONTROL": layout.passdb_control,
    }
    if not layout.bare:
        variables["LOCKSTEP_POLICY"] = layout.policy
    words = [f"{name}={value}" for name, value in variables.items()]
    return " ".join([default("import_environment"), *words])


def login_services(layout):
    text = ""
    for name, listeners in LOGINS.items():
        lines = [LISTENER.format(name=listener,
                                 port=layout.port(port) if port else 0)
                 for listener, port in listeners.items()]
        text += LOGIN_SERVICE.format(name=name, listeners="".join(lines))
    for name in MAIL_SERVICES:
        text += f"service {name} {{\n  process_limit = 4000\n}}\n"
    return text


def master_snippet():
    """The shipped block that is commented out, for whoever has no masters."""
    shipped = (TOP / "conf.d/dovecot-2.3/05-lockstep-auth.conf").read_text()
    block = re.search(r"^#passdb \{\n(#.*\n)+?#\}\n", shipped, re.M)
    if not block or "master = yes" not in block[0]:
        raise StackError("conf.d/dovecot-2.3/05-lockstep-auth.conf has no "
                         "passdb for master users")
    return block[0].replace("#", "")


def passdbs(layout):
    own, text = not layout.bare, ""
    if layout.config["masters"]:
        text = "auth_master_user_separator = *\n" + master_snippet() * own + \
            passdb("verified", master="yes", **{"pass": "yes"})
    text += passdb("lockstep") * own
    rest = {}
    if layout.config["oauth"]:
        text += passdb("oauth2", args=layout.oauth_conf,
                       mechanisms=" ".join(TOKEN_MECHANISMS))
        rest["mechanisms"] = " ".join([*MECHANISMS, "none"])
    if layout.config["passwd_file"]:
        text += passdb("passwd-file", args=layout.config["passwd_file"])
    else:
        text += passdb("verified", **rest)
    return text + "mail_plugins = lockstep\n" * own


def passdb(driver, **settings):
    lines = [f"  {key} = {value}\n" for key, value in settings.items()]
    return f"passdb {{\n  driver = {driver}\n{''.join(lines)}}}\n"


def mechanisms(layout):
    return " ".join(MECHANISMS + TOKEN_MECHANISMS * layout.config["oauth"])


def write_config(layout):
    text = CONFIG.format(
        run=layout.dovecot_run, state=layout.dovecot_state, user=USER,
        group=GROUP, token=layout.config["token"], log=layout.dovecot_log,
        environment=environment(layout), plugins=layout.mail_plugins,
        mechanisms=mechanisms(layout), passdbs=passdbs(layout),
        mail=layout.mail, cert=layout.cert, key=layout.key,
        smtp_port=layout.port("smtp"))
    text += login_services(layout)
    text += "".join(line + "\n" for line in layout.config["dovecot"])
    layout.dovecot_conf.write_text(text)


def create(layout):
    write_modules(layout)
    write_config(layout)
    layout.dovecot_run.mkdir()
    layout.dovecot_state.mkdir()
    layout.mail.mkdir(mode=0o700)
    shutil.chown(layout.mail, USER, GROUP)
    layout.verified_log.touch()
    out = subprocess.run(["doveconf", "-c", layout.dovecot_conf, "-n"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True, check=False)
    if out.returncode != 0:
        raise StackError(f"Dovecot's settings: {out.stderr.strip()}")


def start(layout):
    argv = [shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin"),
            "-F", "-c", layout.dovecot_conf]
    return processes.spawn(layout, "dovecot", argv, module_dir() / "auth",
                           layout.dovecot_log)

"""A private Dovecot, 2.3 or 2.4: imap, imaps, pop3, sieve, submission, lmtp.

Users user1..userN@example.test come from the test passdb (../passdb); their
mail belongs to nobody and is made when they first log in. What stands before
that passdb is Lockstep's own, first in both lists of passdbs: that of master
users is the block that conf.d/ has for them.
"""

import functools
import grp
import os
import pathlib
import pwd
import re
import shutil
import subprocess

from . import dovecot_2_3, dovecot_2_4, processes, products
from .layout import StackError

# Mail users, lockstep-policy, and whoever else may change the maps.
USER, GROUP = "nobody", "nogroup"

MECHANISMS = ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"]
TOKEN_MECHANISMS = ["oauthbearer", "xoauth2"]

# The two syntaxes have the same functions.
SYNTAX = {"2.3": dovecot_2_3, "2.4": dovecot_2_4}

LOGIN_SERVICE = """\
service {name}-login {{
  {life}
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
    "submission": {"submission": "dsubmission", "submissions": None},
}

# For stacks on which Lockstep does not decide: Dovecot's own brake then is on, and
# has no place in a test of something else. Its socket has to be new.
NO_PENALTY = """\
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
""".splitlines()

MAIL_SERVICES = ["imap", "pop3", "managesieve", "submission"]


@functools.cache
def version():
    """"2.3" or "2.4"."""
    out = subprocess.run([program(), "--version"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    series = ".".join(out.split(".")[:2])
    if series not in SYNTAX:
        raise StackError(f"Dovecot {out.strip()}: only "
                         f"{' and '.join(SYNTAX)} are known")
    return series


def syntax():
    return SYNTAX[version()]


def either(old, new):
    """What differs between Dovecot 2.3 and 2.4: this one's."""
    return old if version() == "2.3" else new


def is_trouble(line):
    """A line of Dovecot's log that has no place there when all is well."""
    return re.search(r"Warning:|Error:|Fatal:|Panic:", line) is not None and \
        not line.endswith(syntax().TOLD_AT_START)


def program():
    return shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")


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
    to all others, but none of an installed Lockstep's; and our own."""
    system = module_dir()
    shutil.copytree(system / "auth", layout.auth_modules,
                    ignore=shutil.ignore_patterns(products.OURS))
    products.copy(products.PASSDB, layout.auth_modules)
    layout.mail_plugins.mkdir()
    for entry in system.iterdir():
        if entry.name != "auth" and not entry.match(products.OURS):
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
    return syntax().environment(variables)


def login_services(layout):
    text = ""
    for name, listeners in LOGINS.items():
        lines = [LISTENER.format(name=listener,
                                 port=layout.port(port) if port else 0)
                 for listener, port in listeners.items()]
        text += LOGIN_SERVICE.format(name=name, life=syntax().in_turn(0),
                                     listeners="".join(lines))
    for name in MAIL_SERVICES:
        text += f"service {name} {{\n  process_limit = 4000\n}}\n"
    return text


def oauth_settings(layout):
    """Of the oauth2 passdb, by the names that they have in both versions."""
    return {
        "introspection_url":
            f"http://127.0.0.1:{layout.port('oauth')}/introspect",
        "introspection_mode": "post",
        "force_introspection": "yes",
        "username_attribute": "username",
        "active_attribute": "active",
        "active_value": "true",
    } if layout.config["oauth"] else {}


def write_config(layout):
    mechanisms = MECHANISMS + TOKEN_MECHANISMS * layout.config["oauth"]
    text = syntax().CONFIG.format(
        run=layout.dovecot_run, state=layout.dovecot_state,
        uid=pwd.getpwnam(USER).pw_uid, gid=grp.getgrnam(GROUP).gr_gid,
        token=layout.config["token"], log=layout.dovecot_log,
        environment=environment(layout), plugins=layout.mail_plugins,
        mechanisms=" ".join(mechanisms),
        passdbs=syntax().passdbs(layout, MECHANISMS, TOKEN_MECHANISMS,
                                 oauth_settings(layout)),
        mail=layout.mail, cert=layout.cert, key=layout.key,
        relay_port=layout.port("submission"))
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
    argv = [program(), "-F", "-c", layout.dovecot_conf]
    return processes.spawn(layout, "dovecot", argv, module_dir() / "auth",
                           layout.dovecot_log)

"""A stack's dovecot.conf in the syntax of Dovecot 2.3."""

import re

from .layout import TOP, StackError

CONFIG = """\
protocols = imap pop3 sieve submission lmtp
listen = 127.0.0.1
base_dir = {run}
state_dir = {state}
instance_name = lockstep-{token}
log_path = {log}
{environment}mail_plugin_dir = {plugins}
hostname = mail.example.test

auth_mechanisms = {mechanisms}
auth_verbose = yes
auth_failure_delay = 0 secs
disable_plaintext_auth = no
{passdbs}userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%n
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
submission_relay_port = {relay_port}
submission_relay_trusted = yes
submission_relay_ssl = starttls
submission_relay_ssl_verify = no

# Nothing but the passdbs limits a test.
mail_max_userip_connections = 0
default_client_limit = 16000
default_process_limit = 4000
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
"""

# How lines end that these settings cause whenever Dovecot starts.
TOLD_AT_START = ()


def master_snippet():
    """The shipped block that is commented out, for whoever has no masters."""
    shipped = (TOP / "conf.d/dovecot-2.3/05-lockstep-auth.conf").read_text()
    block = re.search(r"^#passdb \{\n(#.*\n)+?#\}\n", shipped, re.M)
    if not block or "master = yes" not in block[0]:
        raise StackError("conf.d/dovecot-2.3/05-lockstep-auth.conf has no "
                         "passdb for master users")
    return block[0].replace("#", "")


def passdbs(layout, mechanisms, token_mechanisms, oauth):
    own, text = not layout.bare, ""
    if layout.config["masters"]:
        text = "auth_master_user_separator = *\n" + master_snippet() * own + \
            passdb("verified", master="yes", **{"pass": "yes"})
    text += passdb("lockstep") * own
    rest = {}
    if oauth:
        lines = [f"{key} = {value}\n" for key, value in oauth.items()]
        layout.oauth_conf.write_text("".join(lines))
        text += passdb("oauth2", args=layout.oauth_conf,
                       mechanisms=" ".join(token_mechanisms))
        rest["mechanisms"] = " ".join([*mechanisms, "none"])
    if layout.config["passwd_file"]:
        text += passdb("passwd-file", args=layout.config["passwd_file"])
    else:
        text += passdb("verified", **rest)
    return text + "mail_plugins = lockstep\n" * own


def passdb(driver, **settings):
    lines = [f"  {key} = {value}\n" for key, value in settings.items()]
    return f"passdb {{\n  driver = {driver}\n{''.join(lines)}}}\n"


def in_turn(clients):
    """A service's setting: so many in one process's life, 0 for any number."""
    return f"service_count = {clients}"


def environment(variables):
    words = [f"{name}={value}" for name, value in variables.items()]
    return f"import_environment = $import_environment {' '.join(words)}\n"

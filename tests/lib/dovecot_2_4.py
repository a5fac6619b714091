"""A stack's dovecot.conf in the syntax of Dovecot 2.4."""

import re

from .layout import TOP, StackError

CONFIG = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {{
  imap = yes
  pop3 = yes
  sieve = yes
  submission = yes
  lmtp = yes
}}
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
auth_allow_cleartext = yes
# CRAM-MD5's.
auth_allow_weak_schemes = yes
{passdbs}userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {mail}/%{{user | username}}
  }}
}}
mail_driver = maildir
mail_path = ~/Maildir
sieve_script personal {{
  driver = file
  path = ~/sieve
  active_path = ~/.dovecot.sieve
}}

ssl = yes
ssl_server_cert_file = {cert}
ssl_server_key_file = {key}

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
TOLD_AT_START = ("auth: Warning: Weak password schemes are allowed",)


def master_snippet():
    """The shipped block that is commented out, for whoever has no masters."""
    shipped = (TOP / "conf.d/dovecot-2.4.conf").read_text()
    block = re.search(r"^#passdb \S+ \{\n(#.*\n)+?#\}\n", shipped, re.M)
    if not block or "master = yes" not in block[0]:
        raise StackError("conf.d/dovecot-2.4.conf has no passdb for master "
                         "users")
    return block[0].replace("#", "")


def passdbs(layout, mechanisms, token_mechanisms, oauth):
    own, text = not layout.bare, ""
    if layout.config["masters"]:
        text = "auth_master_user_separator = *\n" + master_snippet() * own + \
            passdb("masters", driver="verified", master="yes",
                   result_success="continue")
    text += passdb("lockstep") * own
    rest = {}
    if oauth:
        text += "".join(f"oauth2_{key} = {value}\n"
                        for key, value in oauth.items())
        text += passdb("oauth2",
                       mechanisms_filter=" ".join(token_mechanisms))
        rest["mechanisms_filter"] = " ".join([*mechanisms, "lookup"])
    if layout.config["passwd_file"]:
        text += passdb("passwd-file",
                       passwd_file_path=layout.config["passwd_file"])
    else:
        text += passdb("verified", **rest)
    return text + "mail_plugins {\n  lockstep = yes\n}\n" * own


def passdb(name, **settings):
    lines = [f"  {key} = {value}\n" for key, value in settings.items()]
    return f"passdb {name} {{\n{''.join(lines)}}}\n"


def in_turn(clients):
    """A service's setting: so many in one process's life, 0 for any number."""
    return f"restart_request_count = {clients or 'unlimited'}"


def environment(variables):
    lines = [f"  {name} = {value}\n" for name, value in variables.items()]
    return f"import_environment {{\n{''.join(lines)}}}\n"

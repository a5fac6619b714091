"""A private Postfix: smtp (the role of port 25) and submission.

Submission is as Debian's master.cf has it, and authenticates through the stack's
Dovecot. Unless the stack is bare, what conf.d ships is appended, and the commands
that it gives for submission are run: it asks lockstep-policy at every stage. All
mail is discarded once accepted.
"""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

from . import dovecot, processes, products
from .layout import TOP, StackError

MAIN = """\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1
myhostname = mx.example.test
mydestination = example.test
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
local_transport = discard:
default_transport = discard:
relay_transport = discard:

# No question to the network.
smtpd_peername_lookup = no
disable_dns_lookups = yes

smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth_socket}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination

# A client on this machine may say from where it comes.
smtpd_authorized_xclient_hosts = 127.0.0.0/8

# Nothing but AUTH limits a test.
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000000
smtpd_hard_error_limit = 1000000
smtpd_junk_command_limit = 1000000
default_process_limit = 2000
"""

MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=
  -o smtpd_helo_restrictions=
  -o smtpd_sender_restrictions=
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

# What lockstep release prints, where the journal does not know what is held.
SEARCH = r"""  postqueue -p | sed -n 's/^\([0-9A-Za-z]*\)!.*/\1/p' |
  while read -r id; do
    echo "$id" $(postcat -eq "$id" | grep sasl_username=)
  done
"""

# What an administrator would append: the stack proves that it works.
SNIPPETS = TOP / "conf.d"


def master_snippet(layout):
    """The shipped service, with this stack's user, program and policy."""
    shipped = products.find(products.MASTER_SNIPPET).read_text()
    ours = (f"user={dovecot.USER} argv={layout.bin}/lockstep-policy "
            f"-l {layout.filter_log} -p {layout.policy}")
    text, count = re.subn(r"^(\s+)user=\S+ argv=\S+$", rf"\1{ours}", shipped,
                          flags=re.M)
    if count != 1:
        raise StackError("conf.d/postfix-master.cf has no line "
                         '"user=... argv=..." for the stack to fit')
    return text


def main_snippet():
    """The shipped lines, those of port 25 taken out of their comment."""
    shipped = (SNIPPETS / "postfix-main.cf").read_text()
    text, count = re.subn(r"^#(lockstep_mx = .*\n)((?:#.*\n)*?)(#.*\}\n)",
                          lambda found: found[0].replace("#", ""), shipped,
                          flags=re.M)
    if count != 1:
        raise StackError("conf.d/postfix-main.cf has no lockstep_mx in a "
                         "comment")
    return text


def commands(service, undo=False):
    """What the snippet says for a service, "submission" or "smtp": the arguments
    of each postconf command, in order. Those that undo stand apart."""
    shipped = products.find(products.MASTER_SNIPPET).read_text()
    doing, undoing = shipped.split("\n# Undone by\n")
    undoing, more = undoing.split("postfix reload", 1)
    text = undoing if undo else doing + more
    return [shlex.split(line) for line in re.findall(
        rf"^#   postconf (-PX? '?{service}/inet/smtpd_.*)$", text, flags=re.M)]


def wire(layout, service, lists="", undo=False):
    """Run them on a stack; only those for such lists, if given (a regular
    expression). Postfix has to be reloaded if it runs."""
    name = f"127.0.0.1:{layout.port(service)}"
    found = [(option, setting) for option, setting in commands(service, undo)
             if re.search(lists, setting.split("=")[0])]
    if not found:
        raise StackError("conf.d/postfix-master.cf has no command for "
                         f"{service} {lists}")
    for option in sorted({option for option, _ in found}):
        run_postconf(layout, option, *(
            name + setting.removeprefix(service)
            for other, setting in found if other == option))


def run_postconf(layout, *args):
    command = [sbin("postconf"), "-c", layout.postfix_conf, *args]
    out = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    if out.returncode != 0 or out.stdout:
        raise StackError(f"postconf: {out.stdout.strip()}")


def override(main, lines):
    """Settings of a test replace ours: Postfix warns of what it reads twice."""
    for line in lines:
        name = re.escape(line.split("=", 1)[0].strip())
        main = re.sub(rf"^{name}\s*=.*\n(?:[ \t].*\n)*", "", main, flags=re.M)
    return main + "".join(line + "\n" for line in lines)


def write_config(layout):
    main = MAIN.format(
        dir=layout.dir, queue=layout.postfix_queue, data=layout.postfix_data,
        log=layout.postfix_log, cert=layout.cert, key=layout.key,
        auth_socket=layout.auth_socket)
    if not layout.bare:
        main += main_snippet()
        layout.filter_log.touch()
        shutil.chown(layout.filter_log, dovecot.USER, dovecot.GROUP)
    main = override(main, layout.config["postfix"])
    master = MASTER.format(smtp=layout.port("smtp"),
                           submission=layout.port("submission"))
    if not layout.bare:
        master += master_snippet(layout)
    (layout.postfix_conf / "main.cf").write_text(main)
    (layout.postfix_conf / "master.cf").write_text(master)
    if not layout.bare:
        wire(layout, "submission")


def create(layout):
    for directory in (layout.postfix_conf, layout.postfix_queue,
                      layout.postfix_data):
        directory.mkdir()
    shutil.chown(layout.postfix_data, default("mail_owner"))
    write_config(layout)
    command = [sbin("postfix"), "-c", layout.postfix_conf, "check"]
    out = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    if out.returncode != 0:
        raise StackError(f"postfix check: {out.stdout.strip()}")


def sbin(name):
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        raise StackError(f"{name} is not installed: run tests/setup packages")
    return path


def default(setting):
    out = subprocess.run([sbin("postconf"), "-d", "-h", setting], text=True,
                         stdout=subprocess.PIPE, check=True)
    return out.stdout.strip()


def start(layout):
    """master(8) itself, since the postfix command would put it elsewhere in
    the process tree, and refuses on a host with several instances."""
    master = pathlib.Path(default("daemon_directory")) / "master"
    argv = [master, "-c", layout.postfix_conf]
    return processes.spawn(layout, "postfix", argv,
                           dovecot.module_dir() / "auth", layout.postfix_log)


def reload(layout):
    """Take a changed configuration. master(8) tells the log before it does so,
    and an smtpd that is idle may serve one client more: this returns when the
    processes that know the old one are gone. Those that serve a client end after
    it, so nobody may be connected."""
    old = [p for p in processes.find(layout)
           if processes.program(p) in ("smtpd", "pickup")]
    processes.recorded(layout)["postfix"].signal(signal.SIGHUP)
    processes.wait_for_end(old)


@contextlib.contextmanager
def without_service(layout):
    """master.cf has no policy service for the time of the block; Postfix has to be
    reloaded."""
    path = layout.postfix_conf / "master.cf"
    text = path.read_text()
    less, count = re.subn(r"^lockstep .*\n(\s+.*\n)*", "", text, flags=re.M)
    assert count == 1, text
    path.write_text(less)
    try:
        yield
    finally:
        path.write_text(text)


def filters(stack):
    """The processes of lockstep-policy that smtpd processes ask now."""
    return [process for process in stack.processes()
            if processes.program(process) == "lockstep-policy"]

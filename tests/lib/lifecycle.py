"""Bringing a stack up and down."""

import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import subprocess
import time

from . import dovecot, guard, oauth, ports, postfix, processes, products
from .layout import PORTS, Layout, StackError, tail

STARTERS = {
    "webhook": guard.start_webhook,
    "oauth": oauth.start,
    "dovecot": dovecot.start,
    "postfix": postfix.start,
    "lockstepd": guard.start_daemon,
}
LOCKSTEP_PARTS = ("webhook", "lockstepd")

# The ports of each part, and how a server greets there; None: not at all.
GREETINGS = {
    "dovecot": {"imap": b"* OK", "imaps": b"* OK", "pop3": b"+OK",
                "sieve": b'"IMPLEMENTATION"', "dsubmission": b"220"},
    "postfix": {"smtp": b"220", "submission": b"220"},
    "webhook": {"webhook": None},
    "oauth": {"oauth": None},
    "lockstepd": {},
}

READY_SECONDS = 60
OPEN_FILES = 65536


def check_root():
    if os.geteuid() != 0:
        raise StackError("a stack needs root: for its mount namespace, and "
                         "because Dovecot and Postfix start as root")


def raise_limits():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = max(hard, OPEN_FILES)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, want))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def make_certificate(layout):
    layout.cert.parent.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days",
               "30", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj",
               "/CN=localhost", "-addext",
               "subjectAltName=DNS:localhost,IP:127.0.0.1",
               "-keyout", layout.key, "-out", layout.cert]
    out = subprocess.run(command, stdout=subprocess.DEVNULL, text=True,
                         stderr=subprocess.PIPE, check=False)
    if out.returncode != 0:
        raise StackError(f"openssl: {out.stderr.strip()}")
    layout.key.chmod(0o600)


# ---- waiting until it answers ------------------------------------------


def greeting(layout, name, silent):
    """What a server says first; raises OSError while it says nothing. A silent
    one need only accept the connection."""
    address = ("127.0.0.1", layout.port(name))
    with socket.create_connection(address, timeout=10) as sock:
        if silent:
            return None
        if name == "imaps":
            context = ssl.create_default_context(cafile=layout.cert)
            with context.wrap_socket(sock, server_hostname="localhost") as tls:
                return tls.recv(512)
        return sock.recv(512)


def auth_ready(layout):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(layout.auth_socket))
        sock.sendall(b"VERSION\t1\t2\nCPID\t1\n")
        got = b""
        while b"\nDONE\n" not in got:
            data = sock.recv(4096)
            if not data:
                raise OSError("the auth process hung up")
            got += data


def check_ready(layout, part):
    """Raises OSError while the part does not answer everywhere."""
    for name, want in GREETINGS[part].items():
        got = greeting(layout, name, want is None)
        if want is not None and not got.startswith(want):
            raise OSError(f"port {name} says {got!r}")
    if part == "dovecot":
        auth_ready(layout)


def wait_ready(layout, part, child):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        if child.poll() is not None:
            raise StackError(f"{part} ended at once")
        try:
            check_ready(layout, part)
            break
        except OSError as e:
            if time.monotonic() > deadline:
                raise StackError(f"{part} does not answer: {e}") from e
        time.sleep(0.05)
    processes.record(layout, part, child.pid)


# ---- up ----------------------------------------------------------------


def parts_of(layout, without_daemon=False):
    return [part for part in STARTERS
            if not (layout.bare and part in LOCKSTEP_PARTS)
            and not (part == "oauth" and not layout.config["oauth"])
            and not (without_daemon and part == "lockstepd")]


def create(layout, policy, **config):
    """Everything of a stack but its processes."""
    layout.create(**config, ports={}, state="")
    reservation = ports.Reservation(PORTS.values())
    layout.config["ports"] = reservation.ports
    if not layout.bare:
        layout.config["state"] = str(guard.make_state_dir(layout))
    layout.save()
    make_certificate(layout)
    oauth.create(layout)
    dovecot.create(layout)
    postfix.create(layout)
    if not layout.bare:
        guard.create(layout, policy)
    return reservation


def hold_ports(layout, reservation):
    """In a process that lives as long as the stack."""
    processes.spawn(layout, "ports", ports.HOLDER,
                    dovecot.module_dir() / "auth", layout.dir / "ports.log",
                    inherits=reservation.sockets.values())


def up(directory, policy=None, daemon=True, **config):
    """Start a stack; returns its Layout when every port answers. Otherwise
    nothing is left but files, and StackError says why. config: users, bare,
    masters, oauth, passwd_file, dovecot, postfix, as the command's options."""
    check_root()
    processes.check_namespace()
    text = ""
    if policy:  # garbage too: it is for the compiler to refuse
        text = pathlib.Path(policy).read_text(errors="surrogateescape")
    products.check(config["bare"])
    os.umask(0o022)
    raise_limits()
    layout = Layout(directory)
    try:
        reservation = create(layout, text, **config)
        hold_ports(layout, reservation)
        start_parts(layout, parts_of(layout, not daemon))
        reservation.release()
        layout.write_env()
        return layout
    except BaseException as e:
        if "token" not in layout.config:
            raise
        # Logs first: going down writes to them as well.
        logs = log_tails(layout)
        down_layout(layout)
        if isinstance(e, (StackError, OSError)):
            raise StackError(f"{e}\n{logs}".rstrip()) from e
        raise


def log_tails(layout):
    text = ""
    for log in (layout.dovecot_log, layout.postfix_log, layout.lockstepd_log,
                layout.filter_log, layout.dir / "webhook-receiver.log"):
        if end := tail(log):
            text += f"{log}:\n{end}"
    return text


def start_parts(layout, parts):
    children = [(part, STARTERS[part](layout)) for part in parts]
    for part, child in children:
        wait_ready(layout, part, child)


# ---- down --------------------------------------------------------------


def remaining(layout, namespace=None, masters=()):
    """What still runs; a part that has not reached its namespace included."""
    found = {p.pid: p for p in processes.find(layout, namespace)}
    found |= {p.pid: p for p in masters if p.alive()}
    return list(found.values())


def down_layout(layout):
    """Stop what runs. Returns {part: it was running}."""
    masters = processes.recorded(layout)
    running = {part: p.alive() for part, p in masters.items()}
    processes.end(masters.values(),
                  lambda: remaining(layout, masters=masters.values()))
    for part in masters:
        (layout.pids / part).unlink(missing_ok=True)
    remove_state(layout)
    return running


def remove_state(layout):
    state = layout.config.get("state") or ""
    if re.fullmatch(r"/dev/shm/lockstep-stack\.\w+", state):
        shutil.rmtree(state, ignore_errors=True)


def down(directory):
    """Stop a stack, whatever is left of it. Returns {part: it was running}."""
    check_root()
    return down_layout(Layout(directory).load())


# ---- one part of a running stack ---------------------------------------


def stop(directory, part):
    """Stop one part and all its processes. Returns whether it was running."""
    check_root()
    layout = Layout(directory).load()
    master = processes.recorded(layout).get(part)
    if master is None:
        return False
    running = master.alive()
    processes.end([master],
                  lambda: remaining(layout, master.namespace, [master]))
    (layout.pids / part).unlink(missing_ok=True)
    return running


def start(directory, part):
    """Start one part again, with the configuration files as they are now."""
    check_root()
    layout = Layout(directory).load()
    if part not in parts_of(layout):
        raise StackError(f"there is no {part} in this stack")
    master = processes.recorded(layout).get(part)
    if master and master.alive():
        raise StackError(f"{part} is running already")
    os.umask(0o022)
    raise_limits()
    try:
        start_parts(layout, [part])
    except StackError as e:
        raise StackError(f"{e}\n{log_tails(layout)}".rstrip()) from e

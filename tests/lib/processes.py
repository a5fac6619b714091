"""The processes of a stack: started in a mount namespace, found again, stopped.

Each part (dovecot, postfix, lockstepd, webhook) gets a mount namespace of its
own, in which the stack's auth modules lie over Dovecot's directory; it vanishes
with the part's last process. The name of the bound directory is random, so
/proc/PID/mountinfo tells the processes of a stack from all others for sure,
children whose parent was killed included. A process that changed its root
cannot be asked for its mounts; its root then lies in the stack's directory.

pids/PART holds "pid start-time namespace" of a part's first process. A process
is signalled through a pidfd that was compared with the start time, so a
recycled pid is never hit.
"""

import os
import pathlib
import signal
import subprocess
import time
from dataclasses import dataclass

from .layout import StackError

# What is mounted in a namespace of its own must not reach others.
PRIVATE = "mount --make-rprivate /"
# In a chroot, / is no mount: the namespace's own root is made private.
PRIVATE_IN_CHROOT = f"nsenter --mount=/proc/self/ns/mnt {PRIVATE}"
BOUND = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
# Variables of the caller that a server may need: sanitizers and coverage.
KEPT = ("ASAN_", "UBSAN_", "LSAN_", "TSAN_", "GCOV_", "LLVM_")


@dataclass(frozen=True)
class Process:
    pid: int
    start: int  # clock ticks since boot
    namespace: str

    def alive(self):
        stat = read_stat(self.pid)
        return stat is not None and stat == (self.start, False)

    def signal(self, number):
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)


def read_stat(pid):
    """(start time, is a zombie) of a process, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[19]), fields[0] in "ZX"


def of(pid):
    """The process that has this number now."""
    return Process(pid, read_stat(pid)[0], os.readlink(f"/proc/{pid}/ns/mnt"))


def belongs(layout, pid):
    with open(f"/proc/{pid}/mountinfo") as f:
        if f"/{layout.auth_modules.name} " in f.read():
            return True
    root = os.readlink(f"/proc/{pid}/root")
    return root.startswith(f"{layout.dir}/")


def find(layout, namespace=None):
    """All live processes of the stack, or those in one part's namespace."""
    found = []
    ours = os.readlink("/proc/self/ns/mnt")
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            theirs = os.readlink(f"/proc/{entry}/ns/mnt")
            if theirs == ours or namespace not in (None, theirs):
                continue
            stat = read_stat(entry)
            if stat and not stat[1] and belongs(layout, entry):
                found.append(Process(int(entry), stat[0], theirs))
        except (OSError, UnicodeDecodeError):
            continue  # it ended meanwhile
    return found


def program(process):
    """The name that a process was started by; "" when it has ended."""
    try:
        argv = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return argv.split(b"\0")[0].rpartition(b"/")[2].decode(errors="replace")


def in_chroot():
    """Whether this process's / is a directory of a mount, and not its root."""
    try:
        with open("/proc/self/mountinfo") as f:
            return not any(line.split()[4] == "/" for line in f)
    except OSError as e:
        raise StackError("/proc is not mounted here: mount -t proc proc "
                         "/proc") from e


def namespace(script, *args):
    """The command that runs a shell script in a mount namespace of its own."""
    private = PRIVATE_IN_CHROOT if in_chroot() else PRIVATE
    return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-ec",
            f"{private}\n{script}", "sh", *args]


def check_namespace():
    """Raises StackError where there can be none."""
    out = subprocess.run(namespace("true"), stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    if out.returncode != 0:
        raise StackError(
            "a stack needs mount namespaces, and there can be none here: "
            f"{out.stdout.strip()}\nroot may make them on a machine, in a "
            "chroot that has /proc, and in a container that has the "
            "capability CAP_SYS_ADMIN")


def spawn(layout, part, argv, over, log, env=None, inherits=()):
    """Start a part in its namespace, with the auth modules bound at `over`. It
    inherits these sockets."""
    kept = {k: v for k, v in os.environ.items() if k.startswith(KEPT)}
    kept |= {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(env or {})}
    command = namespace(BOUND, layout.auth_modules, over, *argv)
    with open(log, "ab") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out, cwd="/", env=kept,
                                 pass_fds=[s.fileno() for s in inherits],
                                 start_new_session=True)
    record(layout, part, child.pid)
    return child


def record(layout, part, pid):
    """Note a part's first process; again once its namespace is there."""
    stat = read_stat(pid)
    if stat is None or stat[1]:
        return
    try:
        namespace = os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return
    for other in layout.pids.iterdir():
        # A namespace's number may come again when all its processes are gone.
        if other.name != part and other.read_text().split()[2] == namespace \
                and namespace != os.readlink("/proc/self/ns/mnt"):
            other.unlink()
    (layout.pids / part).write_text(f"{pid} {stat[0]} {namespace}\n")


def recorded(layout):
    """The parts' first processes, dead or alive, by name."""
    parts = {}
    for path in sorted(layout.pids.glob("*")):
        try:
            pid, start, namespace = path.read_text().split()
            parts[path.name] = Process(int(pid), int(start), namespace)
        except ValueError:
            continue
    return parts


def wait_for_end(these, given_up=60.0):
    """Until none of them lives."""
    start = time.monotonic()
    while left := [p for p in these if p.alive()]:
        if time.monotonic() - start > given_up:
            pids = ", ".join(str(p.pid) for p in left)
            raise StackError(f"these processes do not end: {pids}")
        time.sleep(0.02)


def end(masters, remaining, asked=2.0, killed=30.0, given_up=60.0):
    """Ask the masters to stop and wait until remaining() is empty. What still
    runs after `asked` seconds is asked as well (Dovecot's auth process, for
    one, stays while Postfix is connected to it), then killed."""
    for process in masters:
        process.signal(signal.SIGTERM)
    start = time.monotonic()
    while left := remaining():
        waited = time.monotonic() - start
        if waited > given_up:
            pids = ", ".join(str(p.pid) for p in left)
            raise StackError(f"these processes do not end: {pids}")
        if waited > asked:
            number = signal.SIGKILL if waited > killed else signal.SIGTERM
            for process in left:
                process.signal(number)
            time.sleep(0.2)
        time.sleep(0.02)

"""What a stack does to the machine that it runs on: nothing."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

from lib import dovecot, processes, products
from lib.layout import TOP

# As where Lockstep is installed; and what is on disks and in memory can be
# written nowhere but in {place}.
READ_ONLY = r"""
mount --bind {place} {place}
mount --bind {place}/installed {modules}
awk '$0 !~ / - (proc|sysfs|devpts|cgroup2?|mqueue) / {{ print $5 }}' \
    /proc/self/mountinfo | while read -r target; do
    mount -o remount,bind,ro "$target"
done
mount -o remount,bind,rw {place}
mount -t tmpfs tmpfs /dev/shm
exec "$@"
"""
# Calls that only ask what may be done.
ASK = r"^(access|faccessat2?|statfs)\("

# A directory that is no mount, with all that this machine has; what is mounted
# there by others would be seen here.
PLAIN_CHROOT = r"""
mount --make-rshared /
cd {root}
for entry in /tmp $(find / -mindepth 1 -maxdepth 1 ! -name tmp); do
    if [ -L "$entry" ]; then
        cp -P "$entry" .
    elif [ -d "$entry" ]; then
        mkdir ".$entry"
        mount --rbind "$entry" ".$entry"
    fi
done
before=$(cat /proc/self/mountinfo)
env --chdir=/ chroot {root} env --chdir={tests} "$@"
test "$before" = "$(cat /proc/self/mountinfo)"
"""


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        (path / "tmp").mkdir()
        yield path


def in_namespace(place, script, *args):
    """Run a command as the script has it; its files are to be in {place}/tmp."""
    return subprocess.run(
        processes.namespace(script, *map(str, args)), cwd=TOP / "tests",
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, env=os.environ | {
            "TMPDIR": str(place / "tmp"),
            "LOCKSTEP_BUILD": str(products.build_dir())})


def install(place):
    """Dovecot's modules, and ours among them, as `make install` puts them."""
    installed = place / "installed"
    shutil.copytree(dovecot.module_dir(), installed, symlinks=True,
                    ignore=shutil.ignore_patterns(products.OURS))
    products.copy(products.MAIL_PLUGIN, installed)
    products.copy(products.AUTH_MODULE, installed / "auth")


def attempts_to_write(log):
    calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()
             if " EROFS " in line]
    return [call for call in calls if not re.match(ASK, call)]


def test_nothing_is_written_outside_the_stack(place):
    """The story of tests/demo goes as told, and strace hears of no attempt,
    those included whose failure nobody would notice."""
    install(place)
    log = place / "strace.log"
    out = in_namespace(
        place, READ_ONLY.format(place=place, modules=dovecot.module_dir()),
        "strace", "-f", "--seccomp-bpf", "-qq", "-Z", "-y", "-s", "200",
        "-e", "trace=%file,bind", "-o", log,
        sys.executable, "-B", "-m", "lib.story")
    assert attempts_to_write(log) == []
    assert out.returncode == 0, out.stdout


ONE_LOGIN = """
from lib import processes
from lib.stack import Stack
assert processes.in_chroot()
with Stack() as stack:
    assert stack.login("smtp", 1).ok
    assert stack.login("imap", 1).ok
"""


def test_a_stack_in_a_chroot(place):
    """Where / is no mount, as in `chroot DIR`."""
    root = place / "root"
    root.mkdir()
    out = in_namespace(place, PLAIN_CHROOT.format(root=root, tests=TOP / "tests"),
                       sys.executable, "-B", "-c", ONE_LOGIN)
    assert out.returncode == 0, out.stdout


def test_no_stack_without_proc(place):
    root = place / "root"
    root.mkdir()
    out = in_namespace(
        place, PLAIN_CHROOT.format(root=root, tests=TOP / "tests"),
        "unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
        f"umount -l /proc; {TOP}/tests/stack up {place}/stack")
    assert out.returncode != 0
    assert "mount -t proc proc /proc" in out.stdout

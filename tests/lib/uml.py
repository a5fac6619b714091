"""A test under a kernel of its own: where it needs what root may do on a real machine,
and not in a container.

User-mode-linux (Debian: user-mode-linux) is a kernel that runs as a program; its disk
is this machine's own, in which it may do what who starts it may do. What is in memory
(/run, /dev/shm) is its own.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from . import layout, products

KERNEL = "linux.uml"
SYS_RESOURCE = 1 << 24  # CAP_SYS_RESOURCE; capability.h
MEMORY = "4G"
SECONDS = 500

INIT = """\
#!/bin/sh
mount -t proc proc /proc && mount -t sysfs sysfs /sys
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
ip link set lo up
cd {top} && env {environment} {command} >{out} 2>&1
echo $? >{code}
sync
halt -f -p
"""


def is_root():
    """May we raise limits?"""
    status = pathlib.Path("/proc/self/status").read_text()
    return os.geteuid() == 0 and \
        int(re.search(r"^CapEff:\s+(\w+)", status, re.M)[1], 16) & SYS_RESOURCE != 0


def is_there():
    return shutil.which(KERNEL) is not None


def run_test(file, name):
    """Run one test of a file there; it has failed if that does."""
    with tempfile.TemporaryDirectory(prefix="lockstep-uml-") as directory:
        top = pathlib.Path(directory)
        out, code, init = top / "out", top / "code", top / "init"
        environment = " ".join([
            f"PATH={os.environ['PATH']}:/usr/sbin:/sbin", "TMPDIR=/dev/shm",
            "LC_ALL=C.UTF-8", f"LOCKSTEP_BUILD={products.build_dir()}"])
        init.write_text(INIT.format(
            top=layout.TOP, environment=environment, out=out, code=code,
            command=f"{sys.executable} -m pytest -q -p no:cacheprovider "
                    f"{file} -k {name}"))
        init.chmod(0o755)
        kernel = subprocess.run(
            [KERNEL, "rootfstype=hostfs", "rootflags=/", "rw", f"mem={MEMORY}",
             f"init={init}", "con=null", "con0=null,fd:2", "con1=null", "quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            errors="replace", stderr=subprocess.STDOUT, timeout=SECONDS,
            check=False)
        said = out.read_text() if out.exists() else kernel.stdout
        assert code.exists() and code.read_text() == "0\n", said

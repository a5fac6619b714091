"""What was built: found below $LOCKSTEP_BUILD, or else in the source tree, or
else in build/plain, where tests/setup builds.

The stack works with copies, so a build that goes on beside it changes nothing
under running servers, and a build directory may be one that only root enters.
"""

import os
import pathlib
import shutil

from .layout import TOP, StackError

# Each may lie in one of several places; libtool keeps the real ones in .libs.
PASSDB = ["tests/passdb/.libs/libauthdb_verified.so"]
AUTH_MODULE = ["dovecot-plugin/.libs/libauthdb_lockstep.so"]
MAIL_PLUGIN = ["dovecot-plugin/.libs/lib95_lockstep_plugin.so"]
MASTER_SNIPPET = ["conf.d/postfix-master.cf"]


def program(directory, name):
    return [f"{directory}/{sub}{name}"
            for sub in (".libs/", "", f"{name}/.libs/", f"{name}/")]


PROGRAMS = {
    "lockstep": program("tools", "lockstep"),
    "lockstepd": program("tools", "lockstepd"),
    "lockstep-policy": program("postfix-saslhook", "lockstep-policy"),
}


# What an installed Lockstep has among Dovecot's modules, which is not the one
# to be tested.
OURS = "*lockstep*"


def build_dir():
    chosen = os.environ.get("LOCKSTEP_BUILD")
    if chosen:
        return pathlib.Path(chosen).resolve()
    plain = TOP / "build/plain"
    if not (TOP / "config.status").exists() and plain.exists():
        return plain
    return TOP


def find(places):
    for place in places:
        path = build_dir() / place
        if path.is_file():
            return path
    raise StackError(f"{build_dir() / places[-1]} is not built: run make "
                     "or tests/setup, or set LOCKSTEP_BUILD to the directory "
                     "that make was run in")


def check(bare):
    """Raises StackError if something that a stack needs is missing."""
    find(PASSDB)
    if not bare:
        for places in (AUTH_MODULE, MAIL_PLUGIN, *PROGRAMS.values()):
            find(places)


def copy(places, directory):
    source = find(places)
    target = directory / source.name
    # Anew, and never through a link: it may lead to what is installed.
    with open(source, "rb") as old, open(target, "xb") as new:
        shutil.copyfileobj(old, new)
    target.chmod(0o755)
    return target

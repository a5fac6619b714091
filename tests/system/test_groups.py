"""Who may read the state and who may change it, as lockstep.conf says."""

import grp
import pathlib

import pytest

from lib.cast import cast
from lib.dovecot import GROUP
from lib.stack import Stack

READERS = "adm"
OTHERS = "daemon"


@pytest.fixture(scope="module")
def stack():
    for name in (GROUP, READERS, OTHERS):
        grp.getgrnam(name)
    with Stack(users=50, policy=f'readers = "{READERS}"\n') as running:
        yield running


def as_member(stack, group, *args):
    """lockstep, run by somebody in this group and in no other."""
    return stack.run("setpriv", "--reuid=daemon", f"--regid={group}",
                     "--clear-groups", "lockstep", *args)


READ = [["list"], ["list", "--json"], ["events"], ["events", "--json"]]
CHANGE = [["lock", "192.0.2.9"], ["unlock", "192.0.2.9"],
          ["freeze", "joe@example.test"], ["release", "joe@example.test"],
          ["trust", "192.0.2.9"], ["trust", "--end", "192.0.2.9"],
          ["lock", "192.0.2.9", "--for", "1d"], ["unlock", "--all", "--yes"]]


@pytest.fixture
def locked(stack):
    who = cast()
    assert stack.lockstep("lock", who.guesser).returncode == 0
    return who.guesser


@pytest.mark.parametrize("group", [GROUP, READERS])
@pytest.mark.parametrize("verb", READ, ids=" ".join)
def test_members_read(stack, locked, group, verb):
    out = as_member(stack, group, *verb)
    assert out.returncode == 0, out
    assert locked in out.stdout


@pytest.mark.parametrize("group", [GROUP, READERS])
def test_members_ask(stack, locked, group):
    for verb in (["explain", locked], ["explain", "joe@example.test"],
                 ["list", "familiar"], ["list", "stale"], ["verify"]):
        out = as_member(stack, group, *verb)
        assert (out.returncode, out.stderr) == (0, ""), out
    assert "refused: admin of ip" in as_member(stack, group, "explain",
                                               locked).stdout


def test_readers_see_that_all_is_well(stack):
    out = as_member(stack, READERS, "status")
    assert "permission" not in out.stdout + out.stderr, out


@pytest.mark.parametrize("verb", READ + [["status"]], ids=" ".join)
def test_others_are_refused(stack, verb):
    out = as_member(stack, OTHERS, *verb)
    assert out.returncode == 1, out
    assert (f'only root and the groups "{GROUP}" and "{READERS}" may read the '
            "state") in out.stdout + out.stderr


def test_group_changes(stack):
    for verb in CHANGE:
        out = as_member(stack, GROUP, *verb)
        assert out.returncode == 0, out


def test_only_root_is_believed_who_asked(stack):
    """Whoever may run it writes SUDO_USER as he likes."""
    who = cast()
    out = stack.run("setpriv", "--reuid=daemon", f"--regid={GROUP}",
                    "--clear-groups", "env", "SUDO_USER=root",
                    "lockstep", "lock", who.guesser)
    assert out.returncode == 0, out
    event, = [e for e in stack.events("lock") if e["subject"] == who.guesser]
    assert event["by"] == "daemon"


@pytest.mark.parametrize("group", [READERS, OTHERS])
@pytest.mark.parametrize("verb", CHANGE, ids=" ".join)
def test_nobody_else_changes(stack, locked, group, verb):
    out = as_member(stack, group, verb[0], *verb[1:])
    assert out.returncode == 1, out
    assert (f'only root and the group "{GROUP}" may change the state'
            in out.stderr), out
    assert locked in [lock["subject"] for lock in stack.locks()]


@pytest.mark.parametrize("group", [GROUP, READERS, OTHERS])
def test_root_alone_compiles_and_makes_maps(stack, group):
    policy = pathlib.Path(stack.env["POLICY"])
    before = policy.read_bytes()
    out = as_member(stack, group, "compile", stack.env["LOCKSTEP_CONF"])
    assert out.returncode == 1, out
    assert "permission denied: only the owner of its directory, root" in \
        out.stderr
    assert policy.read_bytes() == before
    assert list(policy.parent.glob("policy.cdb.*")) == []
    out = as_member(stack, group, "init")
    assert out.returncode == 1, out
    assert "only root may make the maps" in out.stderr


def test_everybody_may_check_and_dump(stack):
    out = as_member(stack, OTHERS, "compile", "--dump")
    assert out.returncode == 0, out
    assert f'readers = "{READERS}"' in out.stdout
    out = as_member(stack, OTHERS, "compile", "--check",
                    stack.env["LOCKSTEP_CONF"])
    assert out.returncode == 0, out


def test_maps_are_closed_to_others(stack):
    for name in ("guard", "sessions"):
        mode = (pathlib.Path(stack.env["STATE_DIR"]) / name).stat().st_mode
        assert mode & 0o007 == 0
    secret = pathlib.Path(stack.env["STATE_DIR"]) / "secret"
    assert secret.stat().st_mode & 0o077 == 0

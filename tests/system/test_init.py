"""lockstep init into smaller maps: what has room first, and what it says of the
rest."""

import re

import pytest

from lib.policyfilter import World

FROZEN = [f"frozen{i}@example.test" for i in range(8)]
TRUSTED = "198.51.100.7"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def compile_for(world, subjects):
    text = world.conf.read_text()
    world.conf.write_text(re.sub(r"(?m)^subjects = \d+$",
                                 f"subjects = {subjects}", text))
    world.cli("compile", world.conf)


def test_smaller_maps(world):
    compile_for(world, 16384)
    world.cli("init")
    locked = [f"10.{i // 250}.{i % 250}.1" for i in range(1500)]
    world.cli("lock", *locked)
    world.cli("freeze", *FROZEN)
    world.cli("trust", TRUSTED)
    compile_for(world, 1024)
    before = world.cli("list")
    out = world.cli("init", code=1)
    assert re.fullmatch(r"lockstep: \d+ locks would not fit, and the maps stay as "
                        "they are: raise `subjects`, or say --force to lose "
                        "them\n", out), out
    assert world.cli("list") == before
    out = world.cli("init", "--force")
    lost, = re.findall(r"^lockstep: warning: (\d+) locks did not fit: raise "
                       "`subjects`$", out, re.M)
    kept, = re.findall(r"(\d+) locks and 0 familiar places kept", out)
    # One more was locked before.
    assert int(lost) + int(kept) == len(locked) + len(FROZEN) + 1
    assert int(lost) > 400
    listed = world.cli("list", "locks")
    assert all(user in listed for user in FROZEN)
    assert TRUSTED in world.cli("list", "trusted")
    # All of that has room in the next ones.
    assert "did not fit" not in world.cli("init")

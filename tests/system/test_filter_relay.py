"""What a host may send without a login: seen, explained and undone. lockstep-policy
alone, at the two ends of its pipe."""

import itertools
import json

import pytest

from lib.command import assert_fits
from lib.policyfilter import DUNNO, Filter, World, request

HOST = "192.0.2.25"
V6 = "2001:db8:0:25::7"
LIMITS = 'limit relay { messages = "1/30d" recipients = "100/30d" }'
REFUSED = b"action=450 4.7.1 Too many messages, try again in 30 days\n\n"
_numbers = itertools.count()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.compile(LIMITS)
    return world


def message(state, address=HOST, **more):
    words = {"sasl_username": "", "sender": "news@a.example",
             "queue_id": "3F2A01", "instance": f"1a.{next(_numbers):x}.0",
             "recipient": "", "recipient_count": "3", "size": "0"}
    return request(state, address, "25", **words | more)


def fill(f, address=HOST):
    for state in ("DATA", "END-OF-MESSAGE"):
        assert f.ask(message(state, address)) == DUNNO
    for _ in range(3):
        assert f.ask(message("DATA", address)) == REFUSED


def events(world):
    return [json.loads(line)["data"] for line in
            world.cli("events", "--json", "--type", "message").splitlines()]


def table(text):
    """The rows of what it relays: name, level, limit."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines)
                 if line.startswith("RELAYS"))
    rows = lines[first + 1:lines.index("", first)]
    return [row.split()[:3] for row in rows]


def test_refusal_at_data_is_journalled(world):
    with Filter(world) as f:
        fill(f)
        got = events(world)
        assert [(e["verdict"], e["reason"], e["kind"], e["address"])
                for e in got] == [("deny", "messages", "relay", HOST)] * 3
        # A host that never gives up does not fill the journal.
        for _ in range(200):
            assert f.ask(message("DATA")) == REFUSED
        assert len(events(world)) == 50


@pytest.mark.parametrize("address", [HOST, V6])
def test_explained(world, address):
    with Filter(world) as f:
        fill(f, address)
    text = world.cli("explain", address)
    assert_fits(text.rpartition("\n\n")[0])  # without its events
    assert table(text) == [["messages", "1", "1/30d"],
                           ["recipients", "3", "100/30d"]]
    assert f"{address} refused: messages of relay" in text
    got = json.loads(world.cli("explain", "--json", address))["relaying"]
    assert not got["exempt"]
    assert [(m["meter"], m["level"], m["limit"], m["room_in_ms"] > 0)
            for m in got["meters"]] == [("messages", 1, 1, True),
                                        ("recipients", 3, 100, False)]
    # Another address, and who is no address.
    assert table(world.cli("explain", "192.0.2.26"))[0][1] == "0"
    if address == V6:
        assert table(world.cli("explain", "2001:db8:0:25::/64"))[0][1] == "1"
    for of in (["192.0.2.0/24"], ["2001:db8::/48"], ["joe@x.test"],
               ["joe@x.test", "from", HOST]):
        assert "RELAYS" not in world.cli("explain", *of)
        assert "relaying" not in json.loads(world.cli("explain", "--json", *of))


def test_explained_as_policy_has_it(world):
    world.cli("trust", HOST)
    assert "these limits do not hold for it" in world.cli("explain", HOST)
    assert json.loads(world.cli("explain", "--json", HOST))["relaying"]["exempt"]
    world.compile(LIMITS.replace("}", 'mode = "observe" }'))
    assert "messages (observed)" in world.cli("explain", HOST)
    world.compile('override net "192.0.2.0/24" { relay { '
                  'recipients = "7/1h" } }')
    assert table(world.cli("explain", HOST))[0] == ["recipients", "0", "7/1h"]
    assert "RELAYS" not in world.cli("explain", "198.51.100.1")


@pytest.mark.parametrize("address", [HOST, V6])
def test_undone(world, address):
    with Filter(world) as f:
        fill(f, address)
        out = world.cli("unlock", address)
        assert_fits(out)
        assert "  cleared messages 1 of 1/30d, recipients 3 of 100/30d\n" in out
        assert f.ask(message("DATA", address)) == DUNNO
        assert "cleared" not in world.cli("unlock", address, code=1)
        fill(f, address)

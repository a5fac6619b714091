"""What the command line prints for programs is what doc/json.md says: every verb
that has --json, on a stack with something to show."""

import json
import pathlib
import re

import pytest

from lib import attempts, mail, sessions
from lib.cast import LIMIT, USERS, cast, crowd, guesses, networks
from lib.command import run
from lib.stack import Stack

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE, WEBHOOK = TOP / "doc/json.md", TOP / "doc/webhook.md"
POLICY = """
subjects = 4096
limit user { sessions = "5" }
limit sending { messages = "1/1h" }
limit relay { messages = "100/1h" }
"""
# What would have refused who mistypes twice, though his password was right then.
STRICT = """
limit ip { failures = "2/10m, 3/1d" }
limit net { failures = "3/10m, 4/1d" }
limit user { failures = "3/10m, 4/1d" }
"""
OTHERWISE = """
mode = "observe"
journal-size = 2048
limit user { mode = "observe" }
limit sending { mode = "observe" }
"""
RARE = {"hit: address",  # where an address is a network of its own
        # of Postfix's log, and with --learn: test_history.py
        "would-be-lock: nameless", "summary: learn_lines_not_understood",
        "status: wired.unverified_seen",  # of a proxy: test_proxy.py
        *(f"a-failing-passdb: {key}"  # test_failing_passdb.py
          for key in ("passdb", "fails", "times", "since", "last")),
        "status: contacts.lost_day",  # of a full file: test_sent.py
        "status: guard.crowded",  # of a table without room: test_crowded.py
        *(f"status: guard.shared.{key}"  # where most share one: test_inside.py
          for key in ("address", "network", "places", "of")),
        "a-lock: unrecorded",  # of a flood: test_flood_of_refusals.py
        "explain: unrecorded",  # the same
        "explain: sending.contacts_problem"}  # of a damaged one: the same
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


# ---- what the page says ------------------------------------------------------


def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


TYPES = {
    "text": lambda value: isinstance(value, str),
    "time": lambda value: re.fullmatch(TIME, str(value)),
    "ms": is_number,
    "number": is_number,
    "bool": lambda value: isinstance(value, bool),
    "real": lambda value: isinstance(value, float),
}


def anchor(title):
    return re.sub(r"[^a-z0-9]+", "-", title.lower())


def rows(text):
    """{key: type} of a table."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            assert all(cells[1:2] + cells[3:]), line
            found |= dict.fromkeys(re.findall("`([^`]+)`", cells[0]), cells[1])
    return found


def sections():
    parts = re.split(r"^##+ (.*)$", PAGE.read_text(), flags=re.M)
    return {anchor(title): rows(text)
            for title, text in zip(parts[1::2], parts[2::2])}


def members():
    """The keys of an event's data, as the webhook's page has them."""
    text = WEBHOOK.read_text()
    table = text.partition("| `data` | in |")[2].partition("\n\n")[0]
    names = {name for line in table.splitlines()
             for name in re.findall("`([^`]+)`", line.split("|")[1:2][0]
                                    if "|" in line else "")}
    sample = text.partition('"evidence": {')[2].partition("```")[0]
    return names, set(re.findall(r'"(\w+)":', sample))


class Page:
    def __init__(self):
        self.sections = sections()
        self.members, self.evidence = members()
        self.wrong, self.seen = set(), set()

    def look(self, value, section, prefix=""):
        """Note what of an object the section does not have, or has otherwise."""
        for key, item in value.items():
            table = self.sections[section]
            name = next((name for name in (prefix + key, prefix + "*")
                         if name in table), None)
            if name is not None:
                self.seen.add((section, name))
                self.look_at(item, table[name], f"{section}: {prefix}{key}")
            elif isinstance(item, dict) and any(
                    name.startswith(f"{prefix}{key}.") for name in table):
                self.look(item, section, f"{prefix}{key}.")
            else:
                self.wrong.add(f"{section}: {prefix}{key}")

    def look_at(self, item, kind, where):
        if kind.startswith("list of "):
            assert isinstance(item, list), where
            for one in item:
                self.look_at(one, kind.removeprefix("list of "), where)
        elif "webhook.md" in kind:
            self.wrong |= {f"{where}.{key}" for key in item
                           if key not in self.members or key == "host"}
            self.wrong |= {f"{where}.evidence.{key}"
                           for key in item.get("evidence", {})
                           if key not in self.evidence}
        elif kind.startswith("["):
            self.look(item, re.search(r"\(#(.*)\)", kind)[1])
        elif not TYPES[kind](item):
            self.wrong.add(f"{where} is no {kind}: {item}")


# ---- something to show --------------------------------------------------------


@pytest.fixture(scope="module")
def shown():
    """A stack where everything that there is to tell has happened."""
    with Stack(users=USERS, policy=POLICY) as stack:
        fill(stack)
        yield stack


def fill(stack):
    owner, thief, clumsy = cast(), cast(), cast()
    stack.people = owner, thief
    with stack.auth() as auth:
        for who in owner, thief:
            assert attempts.log_in(auth, who, who.owner, service="imap")
        for word in ["old"] * 4 + guesses(LIMIT):
            auth.login(owner.user, word, ip=owner.guesser, service="imap")
        assert attempts.log_in(auth, owner, owner.owner)
        auth.login(owner.alias, owner.password, ip=owner.owner)
        attempts.guess(auth, clumsy, [clumsy.owner] * 4)
        assert attempts.log_in(auth, clumsy, clumsy.owner)  # see STRICT
        attempts.guess(auth, crowd(5), [thief.at(7, i) for i in range(1, 6)])
        attempts.guess(auth, thief, networks(10) + [thief.stranger] * 5)
        assert attempts.log_in(auth, thief, thief.stranger)  # suspicious
        # One password that is tried on many accounts.
        for ip in networks(12):
            auth.login(cast().user, "Summer2026", ip=ip)
    stack.kept = sessions.begin(stack, clumsy, 2)
    sessions.close(stack.kept[:1])
    # Both names of a network, a place, an account; and what an order leaves.
    for subject in (owner.at(3), owner.at(4, 0) + "/24", owner.at6(3),
                    f"{owner.user} from {owner.at(5, 0)}/24"):
        run(stack, "lock", subject, "--reason", "why")
    for subject in (owner.at(6), owner.at(6, 0) + "/24"):
        run(stack, "trust", subject)
    run(stack, "freeze", thief.user)
    for _ in range(4):
        mail.send(stack, owner, "a@elsewhere.example", ip=owner.owner)
    stack.connect(owner.at(3))


def lines(stack, *args):
    return [json.loads(line) for line in
            run(stack, *args, "--json").splitlines()]


def verbs_for_programs(stack):
    said = run(stack, "--help")
    return {verb for verb in re.findall(r"^  ([a-z]+) ", said, re.M)
            if re.search(" --json  ", run(stack, verb, "--help"))}


def everything(stack, tmp_path):
    """(section, object) of all that is printed."""
    owner, thief = stack.people
    saved, log = tmp_path / "saved", tmp_path / "log"
    strict = tmp_path / "strict"
    saved.write_text(run(stack, "events", "--json"))
    log.write_text("Nov 25 02:23:26 auth: Info: sql(joe,192.0.2.1): new\n")
    strict.write_text(STRICT)
    for line in lines(stack, "status"):
        yield "status", line
    for what in ("locks", "trusted", "familiar", "sessions", "stale"):
        found = lines(stack, "list", what)
        assert found, what
        for line in found:
            yield "a-lock" if what == "locks" else f"list-{what}", line
    for words in ([owner.user], [owner.alias], [owner.at(3)], [owner.at(6)],
                  [thief.user], [owner.user, "from", owner.owner],
                  [owner.user, "from", owner.at(5)],
                  [owner.at(4, 0) + "/24"], [owner.at6(3)]):
        for line in lines(stack, "explain", *words):
            yield "explain", line
    for line in lines(stack, "events"):
        yield "an-event", line
    for line in lines(stack, "replay", "--conf", strict, saved, log):
        yield "replay", line
    yield "bench", json.loads(run(stack, "bench", "--json"))
    # Where rules only observe, and the maps are not as the policy says.
    conf = pathlib.Path(stack.env["LOCKSTEP_CONF"])
    conf.write_text(conf.read_text() + OTHERWISE)
    run(stack, "compile", conf)
    for line in lines(stack, "status") + lines(stack, "explain", owner.user) + \
            lines(stack, "explain", owner.at(3)):
        yield "explain" if "login" in line else "status", line


def test_every_key_of_the_sources_is_on_the_page():
    """Those too that a program printed never here."""
    keys = {part for table in sections().values()
            for key in table for part in key.split(".")}
    keys |= set().union(*members())
    for source in (TOP / "tools/lockstep").rglob("*.c"):
        text = source.read_text()
        if '#include "json.h"' in text:
            said = re.findall(r'\bput\w*\(\s*\w+,\s*"(\w+)"|'
                              r'\bjson_put\w*\(\s*\w+,\s*"(\w+)"', text)
            assert {key for pair in said for key in pair} - {""} <= keys, source


def test_every_key_is_on_the_page(shown, tmp_path):
    """And what the page has is there."""
    assert verbs_for_programs(shown) == {"status", "list", "explain", "events",
                                         "replay", "bench"}
    page = Page()
    for section, line in everything(shown, tmp_path):
        if section == "replay":
            section = {"lock": "would-be-lock"}.get(line["type"], line["type"])
            assert set(line) == set(page.sections["replay"])
            line = line["data"]
        page.look(line, section)
    assert page.wrong == set()
    there = {f"{section}: {key}" for section, table in page.sections.items()
             for key in table if section != "replay"}
    assert there - {f"{section}: {key}" for section, key in page.seen} == RARE

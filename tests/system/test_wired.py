"""Where only a part is wired, `lockstep status` finds it from what happens."""

import os
import pathlib
import re
import shutil
import signal
import tempfile

import pytest

from lib import clients, mail, postfix
from lib.cast import USERS, cast, crowd, networks
from lib.stack import Stack

LATER = 11  # seconds: a login is asked about its session no earlier
LOGINS = 3  # prove it


def problems(stack, what):
    """The problems that begin with this word, as they will be in a moment."""
    out = stack.run("unshare", "--time", "--boottime", str(LATER), "lockstep",
                    "status")
    found = re.findall(f"^problem +({what}:.*)", out.stdout, re.M)
    assert out.stderr == "" and (out.returncode == 1 or not found), out
    return found


def without_plugin(service):
    """As a later file of conf.d does it that has its own list."""
    return f"protocol {service} {{\nmail_plugins =\n}}"


@pytest.fixture
def stack():
    with Stack(users=USERS) as running:
        yield running


# ---- mail ---------------------------------------------------------------------


@pytest.mark.parametrize("service", ["imap", "pop3", "sieve", "submission"])
def test_all_have_sessions(stack, service):
    for who in crowd(LOGINS):
        assert stack.login(service, who.number, ip=who.owner).ok
    assert problems(stack, service) == []


@pytest.mark.parametrize("service", ["imap", "pop3", "submission"])
def test_a_protocol_without_the_plugin(service):
    with Stack(users=USERS, dovecot=[without_plugin(service)]) as stack:
        for who in crowd(LOGINS - 1):
            assert stack.login(service, who.number, ip=who.owner).ok
        assert problems(stack, service) == []  # they may have hung up
        who = cast()
        assert stack.login(service, who.number, ip=who.owner).ok
        said, = problems(stack, service)
        assert said.startswith(f"{service}: {LOGINS} logins in the last hour "
                               "and no mail session")
        assert "mail_plugins" in said
        other = "pop3" if service == "imap" else "imap"
        for who in crowd(LOGINS):
            assert stack.login(other, who.number, ip=who.owner).ok
        assert problems(stack, other) == []


def test_a_sessions_map_that_is_lost():
    """The sessions of before went with it: nothing says that the plugin did."""
    with Stack(users=USERS) as stack:
        for who in crowd(LOGINS):
            assert stack.login("imap", who.number, ip=who.owner).ok
        path = pathlib.Path(stack.env["STATE_DIR"]) / "sessions"
        os.truncate(path, path.stat().st_size // 2)
        assert len(problems(stack, "sessions")) == 1
        assert problems(stack, "imap") == []
        path.unlink()
        who = cast()
        assert stack.login("pop3", who.number, ip=who.owner).ok
        assert path.exists() and problems(stack, "imap") == []


@pytest.fixture
def place():
    """A directory that Dovecot's user can walk to."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        pathlib.Path(name).chmod(0o755)
        yield pathlib.Path(name)


def test_sessions_that_another_server_has(place):
    """A proxy has logins and no sessions."""
    # Nobody listens there: the login is decided before that shows.
    users = [f"far{i}@example.test" for i in range(LOGINS)]
    passwords = place / "passwords"
    passwords.write_text("".join(
        f"{user}:{{PLAIN}}pw::::::proxy=y host=127.0.0.1 port=1\n"
        for user in users))
    with Stack(users=USERS, passwd_file=passwords) as stack:
        for user, ip in zip(users, networks(LOGINS), strict=True):
            assert not clients.imap_login(stack.env, user, "pw", ip=ip)
        events = stack.lockstep("events", "--json").stdout
        assert events.count('"outcome":"success"') == LOGINS, events
        assert problems(stack, "imap") == []


# ---- Postfix ------------------------------------------------------------------


AUTH_ON_PORT_25 = [
    "smtpd_sasl_auth_enable = yes",
    "smtpd_relay_restrictions = permit_sasl_authenticated, "
    "reject_unauth_destination"]


def send(stack, port, count):
    """Each from an address that Postfix may or may not ask about."""
    for who in crowd(count):
        with mail.Client(stack, who, port=port) as client:
            assert client.send("a@x.example")


def test_a_port_that_was_left_out():
    """The other one asks, so that all seems to be well."""
    with Stack(users=USERS, postfix=AUTH_ON_PORT_25) as stack:
        send(stack, "submission", 2 * LOGINS)
        send(stack, "smtp", LOGINS - 1)
        assert problems(stack, "smtp") == []
        send(stack, "submission", LOGINS)
        who = cast()
        with mail.Client(stack, who, port="smtp") as client:
            assert client.send("a@x.example")
        said, = problems(stack, "smtp")
        assert said.startswith(f"smtp: {LOGINS} logins in the last hour from "
                               "addresses that Postfix did not ask")
        assert f"the last: {who.user} from {who.owner}" in said


def test_port_25_that_asks_about_messages_alone():
    """What conf.d has for it: that is enough."""
    with Stack(users=USERS, postfix=AUTH_ON_PORT_25) as stack:
        postfix.wire(stack.layout(), "smtp")
        postfix.reload(stack.layout())
        send(stack, "smtp", 2 * LOGINS)
        assert problems(stack, "smtp") == []


def test_no_question_at_the_end(stack):
    """A service that asks about connections only counts no message."""
    name = f"127.0.0.1:{stack.layout().port('submission')}/inet"
    postfix.run_postconf(stack.layout(), "-P",
                         f"{name}/smtpd_end_of_data_restrictions=")
    postfix.reload(stack.layout())
    some = crowd(LOGINS)
    for _ in range(LOGINS):
        assert problems(stack, "smtp") == []
        for who in some:
            with mail.Client(stack, who) as client:
                assert client.send("a@x.example")
    said, = problems(stack, "smtp")
    assert "smtpd_end_of_data_restrictions" in said
    assert said.startswith(f"smtp: {LOGINS} accounts logged in")


def test_a_policy_service_that_cannot_be_started(stack):
    program = stack.layout().bin / "lockstep-policy"
    shutil.move(program, f"{program}.away")
    for process in postfix.filters(stack):
        process.signal(signal.SIGKILL)
    for who in crowd(LOGINS):
        assert stack.login("smtp", who.number, ip=who.owner).ok
    said, = problems(stack, "smtp")
    assert "lockstep-policy cannot be started" in said
    shutil.move(f"{program}.away", program)


def test_other_programs_have_no_sessions(stack):
    """What asks on the auth socket may call itself imap."""
    with stack.auth() as client:
        for who in crowd(2 * LOGINS):
            assert client.login(who.user, who.password, ip=who.owner,
                                nologin=True).ok
    assert problems(stack, "imap") == []

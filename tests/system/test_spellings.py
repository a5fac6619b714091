"""One account, however its name is written: names that Dovecot did not see, names too
long for a record, and names that a passdb takes for one."""

import contextlib
import json
import pathlib
import tempfile

import pytest

from lib import dovecot, mail
from lib.attempts import attempt, counter, guess_calls, log_in
from lib.cast import USER_FAILURES, USERS, cast, networks
from lib.policyfilter import DUNNO, FREE, Filter, World, request
from lib.stack import Stack, poll

SENT = 6  # messages that an account may send
WIDTH = 5  # so many accounts' limits are shared by names that never succeeded


@pytest.fixture(scope="module")
def stack():
    policy = f'limit sending {{ messages = "{SENT}/1h" }}'
    with Stack(users=USERS, policy=policy) as running:
        yield running


@contextlib.contextmanager
def client_as(stack, name):
    """A client whom a proxy has let in under that name; Dovecot never saw it."""
    with mail.Client(stack, port="submission") as client:
        code, text = client.smtp.docmd(
            "XCLIENT", f"ADDR=198.51.100.7 LOGIN={name}")
        assert code == 220, text
        assert client.smtp.ehlo("client.example.test")[0] == 250
        yield client


def send_as(stack, name, *recipients, **message):
    with client_as(stack, name) as client:
        return client.send(*recipients, sender="a@example.test", **message)


def spellings(who):
    """Of one name, by case alone."""
    name = who.user
    return [name.upper(), name.title(), name.replace("u", "U", 1),
            name.replace("test", "Test"), name.replace("e", "E"), name]


# ---- names that Dovecot did not see ----------------------------------------


def test_a_frozen_account_by_another_case(stack):
    """Handed in by a proxy that checks passwords itself (XCLIENT LOGIN)."""
    who = cast()
    assert send_as(stack, who.user.upper(), "b@x.example")
    assert stack.lockstep("freeze", who.user, "--for", "1h").returncode == 0
    for name in spellings(who):
        reply = send_as(stack, name, "b@x.example")
        assert not reply and reply.code in (421, 450, 550, 554), (name, reply)


def test_a_limit_for_all_cases(stack):
    who = cast()
    replies = [send_as(stack, name, f"{i}-{n}@x.example")
               for i, name in enumerate(spellings(who)) for n in range(3)]
    assert sum(map(bool, replies)) == SENT
    assert {e["user"] for e in stack.events("message")
            if e["user"].lower() == who.user} == {who.user}
    out = stack.lockstep("explain", who.user.upper(), "--json").stdout
    assert json.loads(out)["user"] == who.user


def test_orders_by_another_case(stack, auth):
    who = cast()
    for order, end in ("freeze", "release"), ("lock", "unlock"):
        assert stack.lockstep(order, who.user.title()).returncode == 0
        assert not log_in(auth, who, who.owner)
        assert stack.lockstep(end, who.user.upper()).returncode == 0
        assert log_in(auth, who, who.stranger)


# ---- long names ------------------------------------------------------------


def long_name(number, length):
    return "a" * length + f"{number}@example.test"


@pytest.mark.parametrize("length", [250, 300, 900])
def test_long_names_of_one_beginning(stack, auth, length):
    """Each has its own limit."""
    first, second = (long_name(n, length) for n in (1, 2))
    seen = counter(stack)
    addresses = networks(40)
    for name in first, second:
        replies = attempt(auth, guess_calls([name] * 40, addresses))
        assert not any(reply.ok for reply in replies)
        assert len(seen(name)) == USER_FAILURES
    assert stack.lockstep("unlock", first).returncode == 0
    attempt(auth, guess_calls([first, second], networks(2)))
    assert len(seen(first)) == USER_FAILURES + 1
    assert len(seen(second)) == USER_FAILURES


@pytest.mark.parametrize("length", [250, 300, 2000])
def test_long_names_that_send(tmp_path, length):
    """Postfix tells lockstep-policy the whole name; its own limit is 2,048 bytes."""
    first, second = (long_name(n, length) for n in (3, 4))
    world = World(tmp_path)
    world.cli("freeze", first)
    with Filter(world) as f:
        def asked(name):
            return f.ask(request("RCPT", FREE, instance="i", sasl_username=name,
                                 recipient="b@x.example"))

        assert asked(first) != DUNNO
        assert asked(first.upper()) != DUNNO
        assert asked(second) == DUNNO


# ---- settings that take many names for one account -------------------------


def passwd_file(path, drops):
    """A block that asks a passwd-file, for what stands before the @ or for all."""
    word = "%n" if drops else "%u"
    word24 = "%{user | username}" if drops else "%{user}"
    return dovecot.either(
        f"passdb {{\n  driver = passwd-file\n"
        f"  args = username_format={word} {path}\n}}",
        f"passdb passwd-file {{\n  auth_username_format = {word24}\n"
        f"  passwd_file_path = {path}\n}}")


@pytest.fixture
def passwords():
    """A file in a directory that Dovecot's user can walk to."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        path = place / "passwords"
        path.write_text("joe:{PLAIN}sesame\n")
        yield path


def problems(stack):
    return [line for line in stack.lockstep("status").stdout.splitlines()
            if line.startswith("problem") and "before the @" in line]


@pytest.mark.parametrize("drops,format,want", [
    (True, None, True),
    (False, None, False),
    (True, dovecot.either("%Ln", "%{user | username | lower}"), False),
])
def test_settings_that_drop_the_domain(passwords, drops, format, want):
    lines = [passwd_file(passwords, drops)]
    if format:
        lines.append(f"auth_username_format = {format}")
    with Stack(users=1, dovecot=lines) as stack, stack.auth() as auth:
        assert not auth.login("joe@one.example", "wrong", ip="192.0.2.7").ok
        assert len(problems(stack)) == want
        assert ("looks at what stands before the @ alone" in
                stack.dovecot_log()) == want
        assert auth.login("joe@two.example", "sesame",
                          ip="192.0.2.7").ok == drops


def test_new_maps_know_how_names_are_written(passwords):
    """Before anybody logs in: orders, and status, are about them from the start."""
    lines = [passwd_file(passwords, True), "auth_username_format = " +
             dovecot.either("%u", "%{user}")]
    with Stack(users=1, dovecot=lines) as stack:
        def frozen(name):
            assert stack.lockstep("freeze", name).returncode == 0
            found = stack.lockstep("list", "--json").stdout
            assert stack.lockstep("release", name).returncode == 0
            return json.loads(found)["user"]

        assert frozen("Joe@One.Example") == "Joe@One.Example"
        assert stack.lockstep("init").returncode == 0
        poll(lambda: "policy and maps were opened anew" in stack.dovecot_log(),
             what="auth's word that it has the new maps")
        assert frozen("Jim@One.Example") == "Jim@One.Example"
        assert len(problems(stack)) == 1


# ---- a passdb that takes many names for one account ------------------------

ACCOUNTS = 12  # in the file


@pytest.fixture(scope="module")
def many_names():
    """A stack whose passdb looks at what stands before the @ alone."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        pathlib.Path(name).chmod(0o755)
        path = pathlib.Path(name) / "passwords"
        path.write_text("".join(f"joe{n}:{{PLAIN}}sesame-{n}\n"
                                for n in range(ACCOUNTS)))
        with Stack(users=1, dovecot=[passwd_file(path, True)]) as running:
            yield running


def verified(stack, local):
    """Wrong guesses that a passdb looked at."""
    return [e for e in stack.events("login") if e["verdict"] == "admit" and
            e["outcome"] == "wrong" and e["user"].startswith(f"{local}@")]


def domains(local, numbers):
    return [f"{local}@d{n}.example" for n in numbers]


@pytest.mark.parametrize("number,at_once", [(0, True), (1, False)])
def test_four_hundred_domains(many_names, number, at_once):
    """However many domains are typed, and at once or not: five times an account's
    limit, since none of the names ever succeeded."""
    local, step = f"joe{number}", 400 if at_once else 20
    with many_names.auth() as auth:
        for i in range(0, 400, step):
            replies = attempt(auth, guess_calls(
                domains(local, range(i, i + step)), networks(step)))
            assert not any(reply.ok for reply in replies)
        assert len(verified(many_names, local)) == WIDTH * USER_FAILURES
        # A name that is new is refused, the right password or not.
        assert not auth.login(f"{local}@new.example", f"sesame-{number}",
                              ip=networks(1)[0]).ok
    out = many_names.lockstep("explain", f"{local}@new.example").stdout
    assert "any-domain of local" in out and "local any-domain" in out


def test_a_name_that_succeeded(many_names):
    """It has its own limit, and is no way around the shared one."""
    home, local = networks(1)[0], "joe2"
    real = f"{local}@d0.example"
    with many_names.auth() as auth:
        assert auth.login(real, "sesame-2", ip=home).ok
        attempt(auth, guess_calls(domains(local, range(1, 401)),
                                  networks(400)))
        assert len(verified(many_names, local)) == WIDTH * USER_FAILURES
        attempt(auth, guess_calls([real] * 40, networks(40)))
        assert len(verified(many_names, local)) == \
            (WIDTH + 1) * USER_FAILURES
        assert auth.login(real, "sesame-2", ip=home).ok


def test_a_siege_in_one_domain(many_names):
    """Locks out nobody of that local part in the next."""
    with many_names.auth() as auth:
        attempt(auth, guess_calls(["joe3@d0.example"] * 60, networks(60)))
        assert len(verified(many_names, "joe3")) == USER_FAILURES
        assert not auth.login("joe3@d0.example", "sesame-3",
                              ip=networks(1)[0]).ok
        assert auth.login("joe3@d1.example", "sesame-3",
                          ip=networks(1)[0]).ok


def test_unlocking_one_of_them(many_names):
    with many_names.auth() as auth:
        attempt(auth, guess_calls(domains("joe4", range(200)),
                                  networks(200)))
        assert not auth.login("joe4@new.example", "sesame-4",
                              ip=networks(1)[0]).ok
        out = many_names.lockstep("unlock", "joe4@new.example")
        assert out.returncode == 0, out
        assert auth.login("joe4@new.example", "sesame-4",
                          ip=networks(1)[0]).ok

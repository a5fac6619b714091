"""A passdb that says yes without a look at the password (nopassword), mostly in front
of backends that verify it: such a login counts for nothing, and opens nothing."""

import collections
import functools
import json
import pathlib

import pytest

from lib import dovecot
from lib.attempts import counter, locked, log_in
from lib.cast import IP_FAILURES, USERS, at_once, cast, guesses
from lib.stack import Stack

GUESSES = 40
WORKER = dovecot.either({"args": "worker"}, {"use_worker": "yes"})


def static(**fields):
    """A passdb that says so of everybody."""
    words = [f"{name}={value}" for name, value in fields.items()]
    return dovecot.either(
        dovecot.syntax().passdb("static", args=" ".join(words)),
        "passdb static {\n  fields {\n    " + "\n    ".join(
            word.replace("=", " = ") for word in words) + "\n  }\n}\n")


def replace_passdb(stack, text):
    """In place of the one that knows the accounts."""
    conf = pathlib.Path(stack.env["DOVECOT_CONF"])
    old = dovecot.syntax().passdb("verified")
    assert old in conf.read_text()
    conf.write_text(conf.read_text().replace(old, text))
    stack.stop("dovecot")
    stack.start("dovecot")


def outcomes(stack, user):
    return collections.Counter(e.get("outcome") for e in stack.events("login")
                               if e["user"] == user)


def familiar(stack, user):
    out = stack.lockstep("list", "familiar", user, "--json")
    assert out.returncode == 0, out
    return out.stdout.splitlines()


# ---- two servers ---------------------------------------------------------


def test_a_proxy_and_its_backend():
    """The backend learns the client's address, and locks it."""
    with Stack(users=USERS) as backend, Stack(users=USERS) as proxy:
        replace_passdb(proxy, static(nopassword="y", proxy="y",
                                     host="127.0.0.1",
                                     port=backend.layout().port("imap")))
        who, seen = cast(), counter(backend)
        answers = at_once(functools.partial(proxy.login, "imap", who.number,
                                            word, ip=who.guesser)
                          for word in guesses(GUESSES))
        assert not any(answer.ok for answer in answers)
        assert [v.address for v in seen(who.user)] == \
            [who.guesser] * IP_FAILURES
        assert ("ip", who.guesser) in locked(backend)
        assert outcomes(proxy, who.user) == {"unverified": GUESSES}
        assert familiar(proxy, who.user) == []
        assert locked(proxy) == set()

        owner = cast()
        assert proxy.login("imap", owner.number, ip=owner.owner).ok
        assert outcomes(proxy, owner.user) == {"unverified": 1}
        assert familiar(proxy, owner.user) == []
        assert len(familiar(backend, owner.user)) == 1

        out = proxy.lockstep("status")
        assert out.returncode == 0, out
        assert f"note       {GUESSES + 1} logins, the last" in out.stdout
        assert "login_trusted_networks" in out.stdout
        wired = json.loads(proxy.lockstep("status", "--json").stdout)["wired"]
        assert wired["unverified"] == GUESSES + 1
        assert wired["unverified_seen"].endswith("Z")
        assert "nopassword" not in backend.lockstep("status").stdout
        # What the proxy is told to refuse, the backend never hears of.
        heard = len(backend.events("login"))
        assert proxy.lockstep("freeze", owner.user).returncode == 0
        assert not proxy.login("imap", owner.number, ip=owner.owner).ok
        other = cast()
        assert proxy.lockstep("lock", other.stranger).returncode == 0
        assert not proxy.login("imap", other.number, ip=other.stranger).ok
        assert len(backend.events("login")) == heard


# ---- one passdb ----------------------------------------------------------


@pytest.fixture(params=["by auth", "by a worker", "from the cache"])
def says_yes(request):
    lines = ["auth_cache_size = 1M"] if request.param == "from the cache" else []
    with Stack(users=USERS, dovecot=lines) as stack:
        if request.param == "by a worker":
            replace_passdb(stack, dovecot.syntax().passdb("verified", **WORKER))
        yield stack


def test_a_yes_that_compared_nothing(says_yes):
    who = cast()
    name = f"proxied{who.number}@example.test"
    with says_yes.auth() as auth:
        for word in guesses(GUESSES):
            reply = auth.login(name, word, ip=who.guesser)
            assert reply.ok and "lockstep" not in reply.text
        assert outcomes(says_yes, name) == {"unverified": GUESSES}
        assert familiar(says_yes, name) == []
        # Others of the same passdb have passwords.
        assert log_in(auth, who, who.owner)
        assert not log_in(auth, who, who.owner, "wrong")
        assert outcomes(says_yes, who.user) == {"success": 1, "wrong": 1}


def test_a_no_before_it_counts():
    """Whoever is not found is for the backend; who is and gives a wrong password,
    too. That is a guess all the same."""
    with Stack(users=USERS) as stack:
        passdb = dovecot.syntax().passdb("verified")
        replace_passdb(stack, passdb + static(nopassword="y"))
        who, seen = cast(), counter(stack)
        with stack.auth() as auth:
            for word in guesses(GUESSES):
                auth.login(who.user, word, ip=who.guesser)
            assert len(seen(who.user)) == IP_FAILURES
            assert ("ip", who.guesser) in locked(stack)
            assert log_in(auth, who, who.owner)
            assert outcomes(stack, who.user) == {
                "wrong": IP_FAILURES, "success": 1, None: GUESSES - IP_FAILURES}


def test_a_master_is_verified():
    with Stack(users=USERS, masters=True) as stack:
        who = cast()
        name = f"proxied{who.number}@example.test"
        with stack.auth() as auth:
            assert auth.login(f"{name}*{who.master}", f"master-{who.number}",
                              ip=who.owner).ok
        assert outcomes(stack, who.master) == {"success": 1}
        assert len(familiar(stack, who.master)) == 1


def test_a_certificate_is_verified():
    """TLS has: EXTERNAL, and names that come from the certificate."""
    lines = ["auth_mechanisms = plain external",
             "auth_ssl_username_from_cert = yes"]
    with Stack(users=USERS, dovecot=lines) as stack:
        for mech in ("EXTERNAL", "PLAIN"):
            who = cast()
            name = f"proxied{who.number}@example.test"
            with stack.auth() as auth:
                assert auth.login(name, "", ip=who.owner, mech=mech,
                                  valid_client_cert=True,
                                  cert_username=name).ok
            assert outcomes(stack, name) == {"success": 1}
            assert len(familiar(stack, name)) == 1

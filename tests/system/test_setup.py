"""What tests/setup decides on machines of all kinds, as root in namespaces of
its own. dpkg and apt are played: what they would install is not the matter."""

import os
import pathlib
import subprocess
import tempfile

import pytest

from lib import processes
from lib.layout import TOP

# One program under all these names. It writes down each call that changes
# something, and what policy-rc.d says of starting meanwhile.
PLAYED = ["dpkg-query", "apt-get", "apt-cache", "debconf-communicate",
          "debconf-set-selections", "systemctl", "update-rc.d"]
PLAYER = r"""#!/bin/sh
name=${0##*/}
case "$name $*" in
"dpkg-query -W -f "*Provides*) cat "$PLACE/list" ;;
"dpkg-query -W -f "*Conffiles*) ;;
"dpkg-query -W -f "*Version*) echo 1:2.3 ;;
"dpkg-query -W -f "*) grep -qx "$4" "$PLACE/installed" && echo installed ;;
"apt-get install -s "*) cat "$PLACE/plan" ;;
"apt-get install "*)
    [ ! -x /usr/sbin/policy-rc.d ] || /usr/sbin/policy-rc.d dovecot start
    echo "install, starts: $?: $*" >>"$PLACE/calls"
    [ ! -e "$PLACE/fail" ] || exit 1
    for word in "$@"; do echo "${word%%=*}"; done >>"$PLACE/installed" ;;
"apt-get "* | "apt-cache "* | "systemctl -q is-enabled "*) ;;
"debconf-communicate "*)
    read -r line
    case $line in GET*) cat "$PLACE/answer" ;; esac
    echo "debconf: $line" >>"$PLACE/calls" ;;
"debconf-set-selections "*) echo "debconf: $(cat)" >>"$PLACE/calls" ;;
*) echo "$name $*" >>"$PLACE/calls" ;;
esac
"""
SERVERS = ["dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd",
           "dovecot-managesieved", "dovecot-submissiond", "dovecot-sieve",
           "postfix", "postfix-cdb"]
MACHINE = r"""
mount -t proc proc /proc
mount -t tmpfs tmpfs /usr/sbin
mount -t tmpfs tmpfs /etc/postfix
mount -t tmpfs tmpfs /etc/dovecot
{before}
{setup} packages {what}
result=$?
cat /usr/sbin/* >{place}/policy 2>/dev/null
exit $result
"""


class Machine:
    """installed: its packages; plan: what apt would do; before: what goes on
    there, a shell script; policy: its policy-rc.d afterwards."""

    def __init__(self, place, installed=(), plan="", listed="", before="",
                 policy=""):
        self.place, self.before, self.policy = place, before, policy
        (place / "installed").write_text("".join(f"{p}\n" for p in installed))
        (place / "plan").write_text(plan)
        (place / "list").write_text(listed)
        (place / "calls").touch()
        (place / "answer").write_text("10 doesn't exist\n")
        played = place / "played"
        played.mkdir()
        for name in PLAYED:
            (played / name).write_text(PLAYER)
            (played / name).chmod(0o755)

    def packages(self, what=""):
        """`tests/setup packages`: (its exit code, what it said)."""
        script = MACHINE.format(before=self.before, what=what,
                                setup=TOP / "tests/setup", place=self.place)
        out = subprocess.run(
            processes.namespace(
                'exec unshare --pid --fork --kill-child --net bash -c "$1"',
                script),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False,
            env={"PLACE": str(self.place), "LC_ALL": "C.UTF-8",
                 "PATH": f"{self.place}/played:{os.environ['PATH']}"})
        assert (self.place / "policy").read_text() == self.policy
        return out.returncode, " ".join(out.stdout.split())

    def calls(self):
        return (self.place / "calls").read_text().splitlines()


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        yield pathlib.Path(name)


ANSWER = "debconf: postfix postfix/main_mailer_type select No configuration"


def test_a_machine_without_servers_gets_all_and_starts_none(place):
    machine = Machine(place)
    code, said = machine.packages()
    assert code == 0, said
    asked, answer, install, *disabled = machine.calls()
    assert asked == "debconf: GET postfix/main_mailer_type"
    assert answer == ANSWER
    assert install.startswith("install, starts: 101: ")
    assert set(SERVERS) < set(install.split())
    assert disabled == ["systemctl -q disable dovecot.service",
                        "systemctl -q disable postfix.service"]
    assert "systemctl enable dovecot" in said
    assert machine.packages()[0] == 0
    assert len(machine.calls()) == 5, "the second time it has nothing to do"


@pytest.mark.parametrize("before,after", [
    ("10 doesn't exist\n", "debconf: PURGE postfix/main_mailer_type"),
    ("0 Satellite\n",
     "debconf: postfix postfix/main_mailer_type select Satellite"),
])
def test_an_install_that_fails_leaves_nothing(place, before, after):
    machine = Machine(place)
    (place / "fail").touch()
    (place / "answer").write_text(before)
    code, said = machine.packages()
    assert code == 1 and "apt-get install failed" in said
    assert machine.calls()[-1] == after


def test_servers_of_an_earlier_demo_are_no_mail_server(place):
    machine = Machine(place, installed=SERVERS[:-1])
    code, said = machine.packages()
    assert code == 0, said
    assert [c for c in machine.calls() if "debconf" in c or "disable" in c] == []
    assert "postfix-cdb" in machine.calls()[0]


LISTENING = """python3 -c 'import socket, time
with socket.create_server(("", 587)): time.sleep(60)' &
until grep -q :024B /proc/net/tcp; do sleep 0.05; done
"""
RUNNING = "cp /usr/bin/sleep {place}/dovecot; {place}/dovecot 60 &"


@pytest.mark.parametrize("why,how", [
    ("Postfix is configured", {"before": "touch /etc/postfix/main.cf"}),
    ("Dovecot is configured", {
        "before": "echo protocols = imap >/etc/dovecot/local.conf",
        "installed": ["dovecot-core"]}),
    ("/dovecot runs", {"before": RUNNING}),
    ("something listens on port 587", {"before": LISTENING}),
    ("exim4-daemon-light is installed", {
        "listed": "installed exim4-daemon-light mail-transport-agent\n"}),
])
@pytest.mark.parametrize("what", ["", "all"])
def test_a_machine_that_serves_mail_gets_no_server(place, why, how, what):
    how = how | {"before": how.get("before", "").format(place=place)}
    machine = Machine(place, **how)
    code, said = machine.packages(what)
    assert code == 1
    assert why in said
    assert "dovecot-submissiond" in said
    assert machine.calls() == []


MAIL_SERVER = {"installed": SERVERS, "before": "touch /etc/postfix/main.cf"}


def test_a_machine_that_serves_mail_gets_tools(place):
    """Headers of its own Dovecot, whatever is newer; its services are left
    alone, so nothing has to be kept from starting."""
    machine = Machine(place, **MAIL_SERVER,
                      plan="Inst gcc (12.2)\nInst dovecot-dev (1:2.3)\n")
    code, said = machine.packages()
    assert code == 0, said
    install, = machine.calls()
    assert install.startswith("install, starts: 0: ")
    assert "dovecot-dev=1:2.3" in install.split()


@pytest.mark.parametrize("how,plan,why", [
    ({}, "Remv exim4-daemon-light [4.96]\n", "would remove exim4-daemon-light"),
    (MAIL_SERVER, "Inst libssl3 [3.0.15] (3.0.16)\n", "would upgrade libssl3"),
    ({"before": "touch /etc/postfix/main.cf"}, "Inst dovecot-core (1:2.3)\n",
     "would install dovecot-core"),
])
def test_what_apt_would_do_besides(place, how, plan, why):
    machine = Machine(place, **how, plan=plan)
    code, said = machine.packages("build" if how else "")
    assert code == 1 and why in said, said
    assert machine.calls() == []


@pytest.mark.parametrize("name", [
    "policy-rc.d",
    "policy-rc.d.lockstep-saved",  # by a set-up that was killed
])
def test_the_administrators_policy_is_put_back(place, name):
    own = "#!/bin/sh\nexit 104\n"
    (place / "own").write_text(own)
    machine = Machine(
        place, before=f"install {place}/own /usr/sbin/{name}", policy=own)
    code, said = machine.packages()
    assert code == 0, said
    assert "starts: 101" in machine.calls()[2]

"""Mail that passes a second smtpd, as a content filter hands it back: it asks as
the first did, and each message is counted once."""

import re

import pytest

from lib import mail, ports, postfix
from lib.cast import USERS, cast
from lib.stack import Stack, poll

MOST = 4

# How the first hands it on. There is no filter in the midst: what matters is who
# asks.
WAYS = {
    "before the queue": "smtpd_proxy_filter=127.0.0.1:{}",
    "after it": "content_filter=smtp:[127.0.0.1]:{}",
}


@pytest.fixture(scope="module", params=WAYS)
def chain(request):
    """(stack, port of the second smtpd)"""
    reservation = ports.Reservation(["second"])
    port = reservation.ports["second"]
    policy = (f'limit sending {{ messages = "{MOST}/30d" '
              f'recipients = "{3 * MOST}/30d" freeze-at = 100000 }}\n'
              'limit relay { messages = "1/30d" recipients = "1/30d" }\n')
    try:
        with Stack(users=USERS, policy=policy) as stack:
            layout = stack.layout()
            with open(layout.postfix_conf / "master.cf", "a") as f:
                f.write("smtp unix - - n - - smtp\n"
                        f"127.0.0.1:{port} inet n - n - - smtpd\n"
                        "  -o syslog_name=postfix/second\n"
                        "  -o content_filter=\n" + "".join(
                            f"  -o smtpd_{name}_restrictions="
                            "$lockstep_submission,permit_mynetworks,reject\n"
                            for name in ("client", "recipient", "data",
                                         "end_of_data")))
            first = f"127.0.0.1:{layout.port('submission')}"
            way = WAYS[request.param].format(port)
            postfix.run_postconf(layout, "-P", f"{first}/inet/{way}")
            postfix.reload(layout)
            # A process that knew the old configuration may still answer.
            who = cast()
            poll(lambda: mail.send(stack, who, "probe@x.example") and
                 "postfix/second/smtpd" in stack.postfix_log(),
                 what="mail by way of the second")
            yield stack
    finally:
        reservation.release()


def arrived(stack, who):
    """Messages of the account that the second smtpd took."""
    log = stack.postfix_log()
    taken = re.findall(r"postfix/second/smtpd\[\d+\]: (\w+): client=", log)
    return sum(bool(re.search(rf"qmgr\[\d+\]: {queue_id}: from=<{who.user}>",
                              log)) for queue_id in set(taken))


def test_counted_once(chain):
    who = cast()
    with mail.Client(chain, who) as client:
        replies = [client.send(f"a{i}@x.example", f"b{i}@x.example",
                               f"c{i}@x.example") for i in range(MOST + 2)]
    assert [bool(r) for r in replies] == [True] * MOST + [False] * 2, replies
    assert {r.code for r in replies[MOST:]} == {450}
    poll(lambda: arrived(chain, who) == MOST, what="what the second took")
    assert chain.layout().filter_log.read_text() == ""

"""The story that tests/demo tells: a guesser, an owner, one lock for all doors;
and a thief, who has the password of another account.

Each step says what it is about to show, what the server answered, and whether
that is as it should be. The exit code is 0 only if every step was.
"""

import json
import smtplib
import sys
import time

from . import signature
from .stack import Stack, poll

OWNER, OWNER_AT = 1, "198.51.100.7"
GUESSER_AT = "203.0.113.66"
LIMIT = 10  # limit ip { failures = "10/10m, ..." }, the default
VICTIM, VICTIM_AT, THIEF_AT = 2, "198.51.100.8", "192.0.2.99"
MESSAGES, FROZEN_AT = 5, 15  # three times as many, the default
POLICY = f'limit sending {{ messages = "{MESSAGES}/1h" }}\n'
DOORS = {  # as the story names them
    "imap": "IMAP", "pop3": "POP3", "sieve": "ManageSieve",
    "submission": "Dovecot submission", "smtp": "Postfix submission",
}

COLOUR = sys.stdout.isatty() or "--colour" in sys.argv
failures = 0


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def chapter(text):
    print("\n" + paint("1;36", text), flush=True)


def step(what, answer, as_told):
    """Tell one step; `answer` is what the server or the tool said."""
    global failures
    failures += not as_told
    mark = paint("32", "  ok ") if as_told else paint("1;31", "WRONG")
    print(f"  {mark} {what}")
    for line in str(answer).strip().splitlines():
        print("         " + paint("2", line))
    sys.stdout.flush()


def owner_uses_every_door(stack):
    for door, name in DOORS.items():
        answer = stack.login(door, OWNER, ip=OWNER_AT)
        step(f"the owner logs in: {name}", answer.text, answer.ok)


def guesser_is_refused(stack, doors):
    for door in doors:
        answer = stack.login(door, OWNER, ip=GUESSER_AT)
        step(f"the guesser, with the RIGHT password: {DOORS[door]}",
             answer.text, not answer.ok)


def guess_until_locked(stack):
    before = len(stack.verified())
    for number in range(1, LIMIT + 1):
        answer = stack.login("imap", OWNER, f"guess-{number}", ip=GUESSER_AT)
        if number in (1, LIMIT):
            step(f"guess number {number}", answer.text, not answer.ok)
        elif answer.ok:
            step(f"guess number {number}", answer.text, False)
    answer = stack.login("imap", OWNER, "guess-too-much", ip=GUESSER_AT)
    step("one guess more", answer.text, not answer.ok)
    verified = len(stack.verified()) - before
    step(f"passwords that Dovecot verified: {verified}, the limit is {LIMIT}",
         "", verified == LIMIT)


def the_webhook_came(stack):
    request = poll(lambda: next(
        (r for r in stack.webhooks() if GUESSER_AT in r["body"]), None),
        what="a webhook that names the guesser")
    body = json.loads(request["body"])
    step(f"the webhook arrived: {body['type']}", json.dumps(body["data"]),
         GUESSER_AT in request["body"])
    step("its signature is right", request["headers"]["webhook-signature"],
         signature.is_signed(stack.env["WEBHOOK_SECRET"], request))


def message(number):
    return f"Subject: offer {number}\r\n\r\nBuy it.\r\n"


def send_until_frozen(stack, thief):
    """Each message to somebody else, on one connection."""
    answers = []
    for number in range(1, FROZEN_AT + 2):
        try:
            thief.sendmail("user2@example.test", f"p{number}@shop{number}.example",
                           message(number))
            answers.append("accepted")
        except smtplib.SMTPResponseException as e:
            answers.append(f"{e.smtp_code} {e.smtp_error.decode()}")
    accepted = answers[:MESSAGES]
    step(f"{MESSAGES} messages go out", ", ".join(accepted),
         accepted == ["accepted"] * MESSAGES)
    refused = answers[MESSAGES:FROZEN_AT]
    step(f"{len(refused)} more are put off", refused[0],
         all(a.startswith("450 4.7.1") for a in refused))
    step("the one after that freezes the account, and is kept", answers[-1],
         answers[-1] == "accepted")


def queue(stack):
    out = stack.run("postqueue", "-c", stack.env["POSTFIX_CONF"], "-j")
    return [json.loads(line) for line in out.stdout.splitlines()]


def the_account_is_stolen(stack):
    owner = stack.login("imap", VICTIM, ip=VICTIM_AT, keep=True)
    owner.connection.select()
    owner.connection.send(b"a IDLE\r\n")
    step("its owner reads mail, and leaves the session open", owner.text +
         "\n" + owner.connection.readline().decode(), owner.ok)
    thief = stack.login("smtp", VICTIM, ip=THIEF_AT, keep=True)
    step("the thief logs in to submission", thief.text, thief.ok)
    send_until_frozen(stack, thief.connection)
    answer = stack.login("imap", VICTIM, ip=VICTIM_AT)
    step("the very next login, on IMAP", answer.text, not answer.ok)
    ended = owner.connection.readline().decode()
    step("the open session ends within seconds", ended,
         ended.startswith("* BYE [UNAVAILABLE]"))
    held = [m for m in queue(stack) if m["queue_name"] == "hold"]
    step("one message is in the hold queue, nothing is lost",
         json.dumps(held), len(held) == 1)
    return held


def the_account_is_given_back(stack):
    out = stack.lockstep("explain", "user2@example.test")
    step("lockstep explain user2@example.test", out.stdout + out.stderr,
         out.returncode == 0 and "sending" in out.stdout)
    out = stack.lockstep("release", "user2@example.test")
    step("lockstep release user2@example.test", out.stdout + out.stderr,
         out.returncode == 0)
    answer = stack.login("imap", VICTIM, ip=VICTIM_AT)
    step("the owner logs in", answer.text, answer.ok)


def tell(stack):
    chapter("1. The owner reads mail, as every day.")
    owner_uses_every_door(stack)
    early = stack.connect(GUESSER_AT, keep=True)
    step("meanwhile a stranger connects to submission, and waits",
         early.text.splitlines()[0], early.ok)

    chapter("2. A guesser tries passwords on IMAP.")
    guess_until_locked(stack)
    out = stack.lockstep("list")
    step("lockstep list", out.stdout, GUESSER_AT in out.stdout)

    chapter("3. The lock holds at every door, at the very next attempt.")
    guesser_is_refused(stack, ("imap", "pop3", "sieve", "submission"))
    answer = stack.login_on(early, OWNER)
    step("the guesser, with the RIGHT password: SMTP AUTH, where it waited",
         answer.text, not answer.ok)
    answer = stack.connect(GUESSER_AT)
    step("the guesser cannot even connect to submission", answer.text,
         not answer.ok and answer.text.startswith("421"))

    chapter("4. The owner notices nothing.")
    owner_uses_every_door(stack)

    chapter("5. The administrator hears of it.")
    the_webhook_came(stack)

    chapter("6. And lets the address in again.")
    out = stack.lockstep("unlock", GUESSER_AT)
    step(f"lockstep unlock {GUESSER_AT}", out.stdout + out.stderr,
         out.returncode == 0)
    answer = stack.login("smtp", OWNER, ip=GUESSER_AT)
    step("SMTP AUTH from there, with the right password", answer.text,
         answer.ok)

    chapter("7. Another account's password has fallen. The thief sends.")
    the_account_is_stolen(stack)

    chapter("8. The administrator has it back.")
    the_account_is_given_back(stack)
    out = stack.lockstep("status")
    step("lockstep status", out.stdout + out.stderr, out.returncode == 0)


def main():
    began = time.monotonic()
    print("Starting a private Dovecot and a private Postfix ...", flush=True)
    with Stack(users=3, policy=POLICY) as stack:
        tell(stack)
    seconds = time.monotonic() - began
    if failures:
        print(paint("1;31", f"\n{failures} steps did not go as told."))
        return 1
    print(paint("1;32", f"\nEvery step went as told, in {seconds:.0f} s."))
    return 0


if __name__ == "__main__":
    sys.exit(main())

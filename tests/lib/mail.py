"""Mail clients that hand in mail, one SMTP command at a time, and report each
server's answer."""

import re
import smtplib
from dataclasses import dataclass

from . import clients

PORTS = {"submission": "SUBMISSION_PORT", "smtp": "SMTP_PORT",
         "dovecot": "DSUBMISSION_PORT"}


@dataclass(frozen=True)
class Reply:
    """What became of a message: the answer that ended it."""

    stage: str  # login, mail, rcpt, data, end
    code: int
    text: str

    def __bool__(self):
        return self.stage == "end" and self.code == 250

    @property
    def queue_id(self):
        return re.search(r"queued as (\w+)", self.text)[1]


class Client:
    """A connection to Postfix: of submission, logged in as a cast, or of
    port 25, where nobody is; or to Dovecot's submission service (port="dovecot").
    `ip` is where to seem to come from."""

    def __init__(self, stack, who=None, ip=None, port=None):
        self.who = who
        self.smtp = smtplib.SMTP(timeout=clients.TIMEOUT)
        self.smtp._host = clients.HOST
        port = port or ("submission" if who else "smtp")
        try:
            clients.smtp_prepare(self.smtp, stack.env, PORTS[port],
                                 ip or (who and who.owner), False)
            if who:
                clients.smtp_auth(self.smtp, who.user, who.password, None)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Without a word, whatever is under way."""
        self.smtp.close()

    def _reply(self, stage, answer):
        code, text = answer
        return Reply(stage, code, text.decode(errors="replace"))

    def mail(self, sender=None):
        return self._reply("mail", self.smtp.mail(
            sender if sender is not None else self.who.user))

    def rcpt(self, recipient):
        return self._reply("rcpt", self.smtp.rcpt(recipient))

    def rcpts(self, recipients):
        """All of them at once (PIPELINING), up to where the server hangs up."""
        self.smtp.send("".join(f"RCPT TO:<{recipient}>\r\n"
                               for recipient in recipients).encode())
        replies = []
        for _ in recipients:
            replies.append(self._reply("rcpt", self.smtp.getreply()))
            if replies[-1].code == 421:
                break
        return replies

    def data(self, text="hello"):
        """DATA and the whole text."""
        answer = self.smtp.docmd("DATA")
        if answer[0] != 354:
            return self._reply("data", answer)
        self.smtp.send(f"Subject: test\r\n\r\n{text}\r\n.\r\n".encode())
        return self._reply("end", self.smtp.getreply())

    def reset(self):
        return self._reply("reset", self.smtp.rset())

    def send(self, *recipients, sender=None, text="hello"):
        """A message. Recipients that are rejected are left out, as long as one
        is accepted and the server does not hang up."""
        reply = self.mail(sender)
        if reply.code == 250:
            replies = self.rcpts(recipients)
            reply = replies[-1]
            if reply.code != 421 and any(r.code == 250 for r in replies):
                reply = self.data(text)
        if not reply and reply.code != 421:
            self.reset()  # a message refused at its end is still Postfix's
        return reply


def send(stack, who, *recipients, ip=None, **message):
    """A message on a connection of its own. A login that is refused is the
    answer then."""
    try:
        client = Client(stack, who, ip)
    except clients.FAILURES as e:
        text = clients.reply_of(e)
        return Reply("login", int(text[:3]) if text[:3].isdigit() else 0, text)
    with client:
        return client.send(*recipients, **message)

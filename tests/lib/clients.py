"""Mail clients that log in, from any address, and report the server's answer.

One function for each door, all alike:

    imap_login(env, user, password, ip=None, mech=None, tls=False, keep=False)
    pop3_login, sieve_login, dsubmission_login, submission_login

  env       the stack's variables, as layout.read_env() gives them
  ip        where to seem to come from, IPv4 or IPv6; None: 127.0.0.1
  mech      a name of sasl.MECHANISMS; None: the protocol's own command (IMAP
            LOGIN, POP3 USER and PASS), or PLAIN where there is none
  tls       False, True (STARTTLS), or "implicit" (IMAP only: imaps)
  keep      leave a session that logged in open: Answer.connection

and each returns an Answer and never raises for what a server says. The address
is presented first, then TLS is negotiated, then the login follows, so that a
check at connection time sees the address.
"""

import base64
import contextlib
import imaplib
import poplib
import smtplib
import ssl
from dataclasses import dataclass

from . import sasl, sieve

HOST = "127.0.0.1"
TIMEOUT = 120  # seconds: a server under a storm takes its time


@dataclass
class Answer:
    ok: bool                  # logged in
    text: str                 # the server's last reply
    stage: str = "login"      # "connect": refused before a login was possible
    connection: object = None

    def __bool__(self):
        return self.ok

    def close(self):
        if self.connection is not None:
            hang_up(self.connection)
            self.connection = None


class Refused(Exception):
    """The server's answer, where it is not what it should be."""


FAILURES = (Refused, OSError, EOFError, sieve.Error, smtplib.SMTPException,
            imaplib.IMAP4.error, poplib.error_proto)


def reply_of(failure):
    """The server's words in an exception of the libraries."""
    if isinstance(failure, smtplib.SMTPResponseException):
        return smtp_text(failure.smtp_code, failure.smtp_error)
    first = failure.args[0] if len(failure.args) == 1 else str(failure)
    return first.decode(errors="replace") if isinstance(first, bytes) \
        else str(first)


def hang_up(connection):
    with contextlib.suppress(OSError):
        getattr(connection, "shutdown", connection.close)()


def attempt(connection, prepare, login, keep):
    """Both functions get the connection; login returns the server's text."""
    stage = "connect"
    try:
        prepare(connection)
        stage = "login"
        answer = Answer(True, login(connection))
    except FAILURES as e:
        answer = Answer(False, reply_of(e), stage)
    if answer.ok and keep:
        answer.connection = connection
    else:
        hang_up(connection)
    return answer


def tls_context(env):
    return ssl.create_default_context(cafile=env["CERT"])


# ---- IMAP --------------------------------------------------------------


def imap_login(env, user, password, ip=None, mech=None, tls=False, keep=False):
    def prepare(imap):
        if ip:
            imap.xatom("ID", f'("x-originating-ip" "{ip}")')
        if tls is True:
            imap.starttls(tls_context(env))

    def login(imap):
        try:
            if mech is None:
                kind, data = imap.login(user, password)
            else:
                client = sasl.client(mech, user, password)
                kind, data = imap.authenticate(mech, client.step)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as e:
            raise Refused(f"NO {reply_of(e)}") from e
        return f"{kind} {data[-1].decode(errors='replace')}"

    try:
        if tls == "implicit":
            connection = imaplib.IMAP4_SSL(
                HOST, int(env["IMAPS_PORT"]), timeout=TIMEOUT,
                ssl_context=tls_context(env))
        else:
            connection = imaplib.IMAP4(HOST, int(env["IMAP_PORT"]),
                                       timeout=TIMEOUT)
    except FAILURES as e:
        return Answer(False, reply_of(e), "connect")
    return attempt(connection, prepare, login, keep)


# ---- POP3 --------------------------------------------------------------


def pop3_auth(pop, mech, client):
    """AUTH (RFC 5034), which poplib has not."""
    pop._putcmd(f"AUTH {mech}")
    while (line := pop._getresp()).startswith(b"+ ") or line == b"+":
        response = client.step(base64.b64decode(line[2:]))
        pop._putline(base64.b64encode(response))
    return line


def pop3_login(env, user, password, ip=None, mech=None, tls=False, keep=False):
    def prepare(pop):
        if ip:
            pop._shortcmd(f"XCLIENT ADDR={ip}")
        if tls:
            pop.stls(tls_context(env))

    def login(pop):
        if mech is None:
            pop.user(user)
            text = pop.pass_(password)
        else:
            text = pop3_auth(pop, mech, sasl.client(mech, user, password))
        return text.decode(errors="replace")

    try:
        connection = poplib.POP3(HOST, int(env["POP3_PORT"]), timeout=TIMEOUT)
    except FAILURES as e:
        return Answer(False, reply_of(e), "connect")
    return attempt(connection, prepare, login, keep)


# ---- ManageSieve -------------------------------------------------------


def sieve_login(env, user, password, ip=None, mech=None, tls=False,
                keep=False):
    def prepare(connection):
        if ip:
            connection.command(f"XCLIENT ADDR={ip}")
        if tls:
            connection.starttls(tls_context(env), HOST)

    def login(connection):
        name = mech or "PLAIN"
        return connection.authenticate(name,
                                       sasl.client(name, user, password))

    try:
        connection = sieve.ManageSieve(HOST, int(env["SIEVE_PORT"]), TIMEOUT)
    except FAILURES as e:
        return Answer(False, reply_of(e), "connect")
    return attempt(connection, prepare, login, keep)


# ---- SMTP --------------------------------------------------------------


def smtp_text(code, text):
    return f"{code} {text.decode(errors='replace')}"


def smtp_expect(want, code, text):
    if code != want:
        raise Refused(smtp_text(code, text))


def smtp_prepare(smtp, env, port, ip, tls):
    """From the TCP connection to the EHLO before AUTH. XCLIENT begins the
    session again: the server greets anew, or refuses."""
    smtp_expect(220, *smtp.connect(HOST, int(env[port])))
    smtp_expect(250, *smtp.ehlo("client.example.test"))
    if ip:
        address = f"IPV6:{ip}" if ":" in ip else ip
        smtp_expect(220, *smtp.docmd("XCLIENT", f"ADDR={address}"))
        smtp_expect(250, *smtp.ehlo("client.example.test"))
    if tls:
        smtp_expect(220, *smtp.starttls(context=tls_context(env)))
        smtp_expect(250, *smtp.ehlo("client.example.test"))


def smtp_auth(smtp, user, password, mech):
    name = mech or "PLAIN"
    client = sasl.client(name, user, password)
    code, text = smtp.auth(
        name, lambda challenge=None: client.step(challenge).decode(),
        initial_response_ok=client.begins)
    smtp_expect(235, code, text)
    return smtp_text(code, text)


def smtp_login(port, env, user, password, ip, mech, tls, keep):
    connection = smtplib.SMTP(timeout=TIMEOUT)
    connection._host = HOST  # the name that starttls() checks
    return attempt(connection,
                   lambda smtp: smtp_prepare(smtp, env, port, ip, tls),
                   lambda smtp: smtp_auth(smtp, user, password, mech), keep)


def smtp_login_on(answer, user, password, mech=None):
    """Log in on the connection that an Answer of smtp_connect() keeps, and
    close it."""
    connection, answer.connection = answer.connection, None
    return attempt(connection, lambda smtp: None,
                   lambda smtp: smtp_auth(smtp, user, password, mech), False)


def dsubmission_login(env, user, password, ip=None, mech=None, tls=False,
                      keep=False):
    """Dovecot's submission service."""
    return smtp_login("DSUBMISSION_PORT", env, user, password, ip, mech, tls,
                      keep)


def submission_login(env, user, password, ip=None, mech=None, tls=False,
                     keep=False):
    """Postfix's submission service."""
    return smtp_login("SUBMISSION_PORT", env, user, password, ip, mech, tls,
                      keep)


def smtp_connect(env, ip=None, tls=False, port="SUBMISSION_PORT", keep=False):
    """Connect to a Postfix service and go as far as EHLO, without a login:
    Answer.ok tells whether the address may; port is SUBMISSION_PORT or
    SMTP_PORT."""
    connection = smtplib.SMTP(timeout=TIMEOUT)
    connection._host = HOST
    return attempt(connection,
                   lambda smtp: smtp_prepare(smtp, env, port, ip, tls),
                   lambda smtp: smtp_text(250, smtp.ehlo_resp), keep)


# Each door's name, as the service is called in verified.log, and its client.
DOORS = {
    "imap": imap_login,
    "pop3": pop3_login,
    "sieve": sieve_login,
    "submission": dsubmission_login,
    "smtp": submission_login,
}

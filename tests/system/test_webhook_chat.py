"""What lockstepd posts to chat services: their forms, and a URL that is a secret
in a file of its own."""

import json
import re
import signal

import pytest

from lib.cast import USERS, cast
from lib.stack import Stack, poll

FORMATS = ["slack", "discord", "teams", "ntfy"]
TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
HOSTILE = "<!channel>@everyone`https://e.example`\u202e"


@pytest.fixture
def stack():
    with Stack(users=USERS) as running:
        yield running


def url_file(stack, form):
    return stack.dir / f"{form}.url"


def write_url(stack, form, mode=0o600, path=None):
    file = url_file(stack, form)
    file.unlink(missing_ok=True)
    file.touch(mode=mode)
    file.chmod(mode)
    port = stack.layout().port("webhook")
    file.write_text(f"http://127.0.0.1:{port}/{path or form}-secret\n")


def ask(stack, blocks):
    """Puts a policy with these webhooks more in force."""
    layout = stack.layout()
    layout.lockstep_conf.write_text(layout.lockstep_conf.read_text() + blocks)
    out = stack.lockstep("compile", "-o", stack.env["POLICY"],
                         layout.lockstep_conf)
    assert out.returncode == 0, out
    poll(lambda: "new policy in force" in layout.lockstepd_log.read_text(),
         what="lockstepd's notice of it")


def block(stack, form, digest="0s", more=""):
    return f"""
webhook "{form}" {{
    url-file = "{url_file(stack, form)}"
    format = "{form}"
    events = {{ "lock", "unlock", "freeze", "digest" }}
    digest = "{digest}"
    {more}
}}
"""


def posts(stack, path):
    return [request for request in stack.webhooks()
            if request["path"] == f"/{path}"]


def text_of(form, request):
    """What people see, by the service's own form."""
    headers = request["headers"]
    assert request["method"] == "POST"
    assert not any(name.startswith("webhook-") for name in headers)
    if form == "ntfy":
        assert headers["content-type"].startswith("text/plain")
        return request["body"]
    assert headers["content-type"] == "application/json"
    body = json.loads(request["body"])
    if form == "slack":
        return body["text"]
    if form == "discord":
        assert body["allowed_mentions"] == {"parse": []}
        return body["content"]
    attachment, = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == \
        "application/vnd.microsoft.card.adaptive"
    return "\n".join(run["text"] for line in attachment["content"]["body"]
                     for run in line["inlines"])


def texts(stack, form, count):
    poll(lambda: len(posts(stack, f"{form}-secret")) >= count, deadline=120,
         what=f"{count} posts to {form}")
    return [text_of(form, request)
            for request in posts(stack, f"{form}-secret")]


def do(stack, *verb):
    assert stack.lockstep(*verb).returncode == 0


def test_each_format(stack):
    who = cast()
    token = stack.dir / "ntfy.token"
    token.touch(mode=0o600)
    token.write_text(TOKEN + "\n")
    for form in FORMATS:
        write_url(stack, form)
    ask(stack, "".join(
        block(stack, form, more=f'secret-file = "{token}"' * (form == "ntfy"))
        for form in FORMATS))
    do(stack, "lock", who.guesser)
    do(stack, "freeze", HOSTILE)
    for form in FORMATS:
        # What is graver goes first, if both wait.
        lock, freeze = sorted(texts(stack, form, 2),
                              key=lambda text: " is frozen " in text)
        plain = lock.replace("`", "").replace("\\", "")
        assert re.search(rf": address {re.escape(who.guesser)} is locked until "
                         r"[-0-9 :]+ UTC by root", plain), lock
        assert "user " in freeze and " is frozen until " in freeze
        assert "\u202e" not in freeze
        if form == "slack":
            assert "&lt;!channel&gt;@everyone\\x60https\\x3a//" in freeze
        elif form == "discord":
            assert "\\<\\!channel\\>\\@everyone\\`https\\:\\/\\/" not in freeze
            assert "\\<\\!channel\\>\\@everyone\\`https" in freeze
        else:
            assert "https://" not in freeze
    lock, freeze = sorted(posts(stack, "ntfy-secret"),
                          key=lambda post: " is frozen " in post["body"])
    for request, priority in (lock, "default"), (freeze, "high"):
        headers = request["headers"]
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["priority"] == priority
        assert headers["title"].startswith("lockstep on ")
        assert headers["tags"]
    # The others have no token; and nobody reads the URL, or the token.
    assert "authorization" not in posts(stack, "slack-secret")[0]["headers"]
    log = stack.layout().lockstepd_log.read_text()
    port = stack.layout().port("webhook")
    assert f'webhook "slack": posts to http://127.0.0.1:{port}\n' in log
    assert "-secret" not in log and TOKEN not in log
    with open(stack.env["POLICY"], "rb") as policy:
        text = policy.read()
    assert b"-secret" not in text and TOKEN.encode() not in text


def test_url_file_that_comes_late(stack):
    who = cast()
    log = stack.layout().lockstepd_log
    file = url_file(stack, "slack")
    ask(stack, block(stack, "slack"))
    poll(lambda: f'webhook "slack": off: {file}: No such file'
         in log.read_text(), what="why it is off")
    do(stack, "lock", who.guesser)
    poll(lambda: json.loads(stack.lockstep("status", "--json").stdout)
         ["outbox"]["undeliverable"] == 1, what="its message")
    write_url(stack, "slack", mode=0o644)
    stack.master("lockstepd").signal(signal.SIGHUP)
    poll(lambda: "mode 0644 is open to others" in log.read_text(),
         what="why it is off now")
    assert posts(stack, "slack-secret") == []
    write_url(stack, "slack")
    stack.master("lockstepd").signal(signal.SIGHUP)
    text, = texts(stack, "slack", 1)
    assert f"`{who.guesser}` is locked" in text
    # Another URL in the file is another receiver.
    write_url(stack, "slack", path="moved")
    stack.master("lockstepd").signal(signal.SIGHUP)
    other = cast()
    do(stack, "unlock", who.guesser)
    do(stack, "lock", other.guesser)
    poll(lambda: any(other.guesser in request["body"]
                     for request in posts(stack, "moved-secret")),
         what="a post to the new URL")
    assert "-secret" not in log.read_text()


def test_url_that_changes_under_way(stack):
    """What the old one answers in the end says nothing of the new one."""
    who = cast()
    log = stack.layout().lockstepd_log
    write_url(stack, "slack")
    ask(stack, block(stack, "slack"))
    stack.webhook_answers(410, delay_ms=6000)
    do(stack, "lock", who.guesser)
    poll(lambda: posts(stack, "slack-secret"), what="the first post")
    write_url(stack, "slack", path="moved")
    stack.webhook_answers(200)
    stack.master("lockstepd").signal(signal.SIGHUP)
    poll(lambda: posts(stack, "moved-secret"), what="a post to the new URL")
    assert 'webhook "slack": off' not in log.read_text()
    assert not [line for line in log.read_text().splitlines()
                if 'webhook "slack"' in line and "410" in line]


def test_what_waits_comes_in_the_new_format(stack):
    """The outbox holds events; their form is that of the webhook by then."""
    who = cast()
    ask(stack, block(stack, "ntfy"))
    do(stack, "lock", who.guesser)
    poll(lambda: json.loads(stack.lockstep("status", "--json").stdout)
         ["outbox"]["undeliverable"] == 1, what="its message")
    conf = stack.layout().lockstep_conf
    write_url(stack, "ntfy")
    conf.write_text(conf.read_text().replace('format = "ntfy"',
                                             'format = "discord"'))
    assert stack.lockstep("compile", conf).returncode == 0
    poll(lambda: posts(stack, "ntfy-secret"), what="the post")
    request, = posts(stack, "ntfy-secret")
    assert f"address {who.guesser} is locked" in text_of("discord", request)


def test_digest(stack):
    people = [cast() for _ in range(14)]
    for form in FORMATS:
        write_url(stack, form)
    ask(stack, "".join(block(stack, form, digest="3s") for form in FORMATS))
    do(stack, "lock", *[who.guesser for who in people])
    for form in FORMATS:
        text = "\n".join(texts(stack, form, 1))
        plain = text.replace("`", "").replace("\\", "")
        assert re.search(r": 14 locks in 1 second:\n", plain), text
        assert f": address {people[0].guesser} is locked until" in plain
        assert plain.endswith("\nand 4 more")
        assert people[10].guesser not in plain
    request, = posts(stack, "ntfy-secret")
    assert request["headers"]["title"].endswith(": digest")


def test_flood_of_locks_hides_no_freeze(stack):
    """However many locks fall first: each frozen account is named, and before
    any of them."""
    frozen = [f"user{n}@flood.example" for n in range(15)]
    for form in FORMATS:
        write_url(stack, form)
    ask(stack, "".join(block(stack, form, digest="3s") for form in FORMATS))
    for n in range(60):
        do(stack, "lock", f"198.51.100.{n}")
    for account in frozen:
        do(stack, "freeze", account)

    def named(text):
        plain = text.replace("`", "").replace("\\", "")
        return {name for line in re.findall(r"(?m)^frozen: (.*)$", plain)
                for name in line.split(", ")} \
            | set(re.findall(r"user (\S+) is frozen until", plain))

    for form in FORMATS:
        poll(lambda form=form: set().union(*(
            named(text) for text in texts(stack, form, 1))) == set(frozen),
             deadline=120, what=f"every frozen account's name by {form}")
        for text in texts(stack, form, 1):
            lines = text.splitlines()
            kinds = [" is frozen until" in line for line in lines
                     if re.search(r" is (frozen|locked) until", line)]
            assert kinds == sorted(kinds, reverse=True), text

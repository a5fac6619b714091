"""Signatures of webhooks, made here from the specification and nothing else:
Standard Webhooks 1.0.0, symmetric (v1)."""

import base64
import hashlib
import hmac


def sign(secret, message_id, timestamp, body):
    """secret: "whsec_..."; body: text as the receiver keeps it."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{message_id}.{timestamp}.{body}"
    digest = hmac.digest(key, signed.encode(errors="surrogateescape"),
                         hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def is_signed(secret, request):
    """request: what webhook_receiver keeps of one."""
    headers = request["headers"]
    want = sign(secret, headers["webhook-id"], headers["webhook-timestamp"],
                request["body"])
    return want in headers["webhook-signature"].split(" ")

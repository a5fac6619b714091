"""Client sides of SASL mechanisms.

sasl.client(mech, user, password) returns an object whose step(challenge) takes
the server's challenge (bytes; None when the client is to begin) and returns the
response (bytes). `begins` tells whether the mechanism's first word is the
client's.
"""

import base64
import hashlib
import hmac
import os


class Plain:
    """RFC 4616."""

    begins = True

    def __init__(self, user, password):
        self.response = f"\0{user}\0{password}".encode()

    def step(self, challenge):
        return self.response


class External:
    """RFC 4422, appendix A: the name is the certificate's."""

    begins = True

    def __init__(self, user, password):
        pass

    def step(self, challenge):
        return b""


class Login:
    """Two prompts, whatever they say: the name, then the password."""

    begins = False

    def __init__(self, user, password):
        self.responses = [user.encode(), password.encode()]

    def step(self, challenge):
        return self.responses.pop(0)


class CramMd5:
    """RFC 2195."""

    begins = False

    def __init__(self, user, password):
        self.user, self.password = user, password

    def step(self, challenge):
        digest = hmac.new(self.password.encode(), challenge, "md5")
        return f"{self.user} {digest.hexdigest()}".encode()


class Scram:
    """RFC 5802, without channel binding; the server's proof is checked."""

    begins = True

    def __init__(self, user, password, hash_name):
        self.hash_name = hash_name
        self.password = password.encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.first = f"n={name},r={self.nonce}"
        self.steps = [self._begin, self._prove, self._check]

    def step(self, challenge):
        return self.steps.pop(0)(challenge)

    def _hmac(self, key, text):
        return hmac.digest(key, text.encode(), self.hash_name)

    def _begin(self, challenge):
        return f"n,,{self.first}".encode()

    def _prove(self, challenge):
        text = challenge.decode()
        fields = dict(word.split("=", 1) for word in text.split(","))
        if not fields["r"].startswith(self.nonce):
            raise ValueError("SCRAM: the server's nonce is not based on ours")
        salted = hashlib.pbkdf2_hmac(self.hash_name, self.password,
                                     base64.b64decode(fields["s"]),
                                     int(fields["i"]))
        key = self._hmac(salted, "Client Key")
        stored = hashlib.new(self.hash_name, key).digest()
        final = f"c=biws,r={fields['r']}"
        message = f"{self.first},{text},{final}"
        signature = self._hmac(stored, message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.server_signature = self._hmac(
            self._hmac(salted, "Server Key"), message)
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def _check(self, challenge):
        """The server's last word, where it comes as a challenge."""
        want = b"v=" + base64.b64encode(self.server_signature)
        if challenge != want:
            raise ValueError("SCRAM: the server's proof is wrong")
        return b""


class Bearer:
    """A token in place of a password: RFC 7628, and Google's XOAUTH2. A server
    that refuses says why in a challenge, which has to be answered; what it says
    is kept in `refusal`."""

    begins = True

    def __init__(self, user, token, first, last):
        self.response = first.format(user=user, token=token).encode()
        self.last = last
        self.begun = False
        self.refusal = None

    def step(self, challenge):
        if not self.begun:
            self.begun = True
            return self.response
        self.refusal = challenge
        return self.last


MECHANISMS = {
    "PLAIN": Plain,
    "LOGIN": Login,
    "CRAM-MD5": CramMd5,
    "SCRAM-SHA-1": lambda user, pw: Scram(user, pw, "sha1"),
    "SCRAM-SHA-256": lambda user, pw: Scram(user, pw, "sha256"),
}
TOKEN_MECHANISMS = {
    "OAUTHBEARER": lambda user, token: Bearer(
        user, token, "n,a={user},\1auth=Bearer {token}\1\1", b"\1"),
    "XOAUTH2": lambda user, token: Bearer(
        user, token, "user={user}\1auth=Bearer {token}\1\1", b""),
}


def client(mech, user, password):
    known = MECHANISMS | TOKEN_MECHANISMS | {"EXTERNAL": External}
    return known[mech](user, password)

"""Bearer tokens of casts, and what became of them.

Dovecot 2.3 has its passdbs verify tokens, and Lockstep stands before them. In
2.4 the mechanism verifies them, before any passdb is asked.
"""

from . import sasl

MECHANISMS = list(sasl.TOKEN_MECHANISMS)


def good(who):
    return f"token-{who.number}"


def bad_tokens(who, count):
    return [f"bad-{who.number}-{i}" for i in range(count)]


def asked(stack, prefix):
    """How often the provider was asked about a token that begins so."""
    return sum(token.startswith(prefix) for token in stack.introspected())


def send_all(auth, who, tokens, addresses, mech):
    return [auth.send(who.user, token, ip=ip, mech=mech)
            for token, ip in zip(tokens, addresses)]

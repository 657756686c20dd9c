"""The position of a sticky key in a percentage or among variants: a hash that never changes."""

from collections.abc import Callable

import mmh3

from ops_client.flags.context import Context, text

BUCKETS = 10_000
UNLEASH_BUCKETS = 100
VARIANT_SEED = 86028157

USER_ID = "user_id"
RANDOM = "random"
# The user, else the session, else chance.
DEFAULT = "default"

# The key's text, or "" where the context has none.
Key = Callable[[Context], str]


def bucket(group: str, key: str) -> int:
    """Where a key stands among 10,000 buckets, 0 and up, so that a ramp only adds."""
    return digest(group, key) % BUCKETS


def unleash_bucket(group: str, key: str) -> int:
    """Where Unleash has put a key: 1 to 100."""
    return digest(group, key) % UNLEASH_BUCKETS + 1


def digest(group: str, key: str, seed: int = 0) -> int:
    """murmur3 x86 32 of `group:key`."""
    # Bytes: on text with a lone surrogate, which any JSON can carry, mmh3 crashes the interpreter.
    try:
        data = f"{group}:{key}".encode()
    except UnicodeEncodeError:
        data = f"{group}:{key}".encode("utf-8", "surrogatepass")
    return mmh3.mmh3_32_uintdigest(data, seed)


def key_of(stickiness: str) -> Key:
    """How to find a context's sticky key."""
    if stickiness == RANDOM:
        return lambda _: ""
    if stickiness == DEFAULT:
        return _user_or_session

    def key(context: Context) -> str:
        value = context.get(stickiness)
        if value.__class__ is str:
            return value
        return "" if value is None else text(value)

    return key


def may_be_random(stickiness: str) -> bool:
    """Whether a context without a key gets a random position, rather than none."""
    return stickiness in {RANDOM, DEFAULT}


def _user_or_session(context: Context) -> str:
    for field in (USER_ID, "session_id"):
        value = context.get(field)
        if value is not None and (found := text(value)):
            return found
    return ""

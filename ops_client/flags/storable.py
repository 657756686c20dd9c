"""Text as a database keeps it: names and values come from callers, and one that cannot be stored must stop no other."""


def storable(value: str, longest: int) -> str:
    """The same text, cut, with what PostgreSQL refuses (NUL, half a surrogate pair) replaced."""
    return value[:longest].encode("utf-8", "replace").decode().replace("\0", "\ufffd")

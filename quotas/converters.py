"""Any text as one part of an address: ids and tiers are the backend's words, and may hold a slash."""


class TextConverter:
    """`~1` stands for a slash and `~0` for a tilde; other text reads as it is, ids that are numbers or UUIDs too."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return value.replace("~1", "/").replace("~0", "~")

    def to_url(self, value: str) -> str:
        return value.replace("~", "~0").replace("/", "~1")

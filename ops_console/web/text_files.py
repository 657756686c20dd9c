"""Text of files that people upload or name in a shell, in the encodings that spreadsheets and shells write."""

import codecs
import sys
from dataclasses import dataclass
from pathlib import Path

from ops_console.errors import InvalidInput

MOST_BYTES = 20 * 1024 * 1024
_LEGACY = "cp1252"
# The longer marks first: a UTF-32 file begins as a UTF-16 file does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 200


@dataclass(frozen=True)
class TextFile:
    """The text without its byte order mark. `guessed`: it was not UTF-8 and was read as Windows-1252."""

    text: str
    guessed: bool = False


def decode(raw: bytes, *, legacy: bool = False) -> TextFile:
    """UTF-8 with or without a mark, UTF-16 and UTF-32; with `legacy` also Windows-1252, as older spreadsheets write.

    Raises InvalidInput (field `file`) with the line and column of the first byte that cannot be read.
    """
    if len(raw) > MOST_BYTES:
        raise InvalidInput("file", f"file: is larger than {MOST_BYTES // 1024**2} MB. Send it in parts.")
    mark, encoding = next(((mark, name) for mark, name in _MARKS if raw.startswith(mark)), (b"", ""))
    raw = raw.removeprefix(mark)
    encoding = encoding or _unmarked(raw)
    guessed = False
    if legacy and encoding == "utf-8" and not mark and _is_legacy(raw):
        encoding, guessed = _LEGACY, True
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(encoding, "replace")
        kinds = "UTF-8, UTF-16 or Windows-1252" if legacy else "UTF-8 or UTF-16"
        raise InvalidInput("file", f"file: {_place(before)}: is not {kinds} text. Save it as UTF-8.") from error
    if "\0" in text:
        raise InvalidInput("file", f"file: {_place(text[: text.index(chr(0))])}: holds a NUL character; it is no text.")
    return TextFile(text, guessed)


def read(file: str, *, legacy: bool = False) -> TextFile:
    """The text of a named file, `-` for standard input. Raises InvalidInput (field `file`) naming it."""
    try:
        if file == "-":
            return decode(sys.stdin.buffer.read(MOST_BYTES + 1), legacy=legacy)
        with Path(file).open("rb") as opened:
            return decode(opened.read(MOST_BYTES + 1), legacy=legacy)
    except OSError as error:
        raise InvalidInput("file", f"file: {file} cannot be read: {error}.") from error


def _unmarked(raw: bytes) -> str:
    """UTF-16 without a mark has a zero byte in nearly every character of a header."""
    start = raw[:_LOOKED_AT]
    for name, zeroes in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(raw) % 2 == 0 and zeroes.count(0) * 2 > len(zeroes):
            return name
    return "utf-8"


def _is_legacy(raw: bytes) -> bool:
    """Whether no character beyond ASCII is UTF-8; a text with some that are is damaged UTF-8, not another encoding."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "ignore").isascii()
    return False


def _place(before: str) -> str:
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f"line {line:,}, column {column:,}"

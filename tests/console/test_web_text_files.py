"""Text files in the encodings that spreadsheets and shells write; what is not text is refused with its place."""

import codecs
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops_console.errors import InvalidInput
from ops_console.web import text_files
from ops_console.web.text_files import decode, read

TEXT = "user,reason\nanna,Überlänge – 5 €\n"
WRITTEN = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16 little": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16 big": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "utf-16 little without a mark": TEXT.encode("utf-16-le"),
    "utf-16 big without a mark": TEXT.encode("utf-16-be"),
    "utf-32": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_unicode_is_read_in_every_form(written: bytes, legacy: bool) -> None:
    """With and without a byte order mark, which is no part of the text; nothing is guessed."""
    found = decode(written, legacy=legacy)
    assert (found.text, found.guessed) == (TEXT, False)


def test_windows_1252_is_read_and_said() -> None:
    """What older spreadsheets write is read where that is asked for, and marked as a guess."""
    found = decode(TEXT.encode("cp1252"), legacy=True)
    assert (found.text, found.guessed) == (TEXT, True)
    with pytest.raises(InvalidInput, match=r"line 2, column 6: is not UTF-8 or UTF-16 text"):
        decode(TEXT.encode("cp1252"))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("é\nü".encode() + b"\xff", "line 2, column 2: is not UTF-8, UTF-16 or Windows-1252"),
        (b"user\nan\x81na", "line 2, column 3: is not"),
        (b"user\nan\x00na", "line 2, column 3: holds a NUL"),
        (codecs.BOM_UTF16_LE + b"a\x00\x00\xd8b\x00", "line 1, column 2: is not"),
        (codecs.BOM_UTF16_LE + b"a", "line 1, column 1: is not"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(raw: bytes, said: str) -> None:
    """Damaged UTF-8 is not taken for Windows-1252; NUL and half characters are named by line and column."""
    with pytest.raises(InvalidInput, match=said) as caught:
        decode(raw, legacy=True)
    assert caught.value.field == "file"


@pytest.mark.parametrize("raw", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_an_empty_text(raw: bytes) -> None:
    """Nothing, or a mark alone, is no error of the encoding."""
    assert decode(raw, legacy=True).text == ""


def test_a_file_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No more is read than the limit and one byte, from a file and from standard input; a missing file is named."""
    monkeypatch.setattr(text_files, "MOST_BYTES", 4)
    (tmp_path / "long.csv").write_bytes(b"12345")
    (tmp_path / "short.csv").write_bytes(codecs.BOM_UTF8 + b"1")
    assert read(str(tmp_path / "short.csv")).text == "1"
    with pytest.raises(InvalidInput, match="larger than"):
        read(str(tmp_path / "long.csv"))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"12345")))
    with pytest.raises(InvalidInput, match="larger than"):
        read("-")
    with pytest.raises(InvalidInput, match=r"none\.csv cannot be read"):
        read(str(tmp_path / "none.csv"))

"""What the browser loads: pinned, small, from here alone, and allowed by the strict policy."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
VERSIONS = [
    line.split(" | ")
    for line in (STATIC / "vendor/VERSIONS").read_text().splitlines()
    if line and not line.startswith("#")
]
COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}", re.S)


@pytest.mark.parametrize("row", VERSIONS, ids=lambda row: row[0])
def test_vendored_files_are_what_they_say(row: list[str]) -> None:
    """Each vendored file has the checksum that stands in VERSIONS."""
    assert hashlib.sha256((STATIC / "vendor" / row[0]).read_bytes()).hexdigest() == row[5]


def test_every_vendored_file_is_listed() -> None:
    """Nothing lies in static/vendor without a line in VERSIONS, licences apart."""
    found = {str(path.relative_to(STATIC / "vendor")) for path in (STATIC / "vendor").rglob("*") if path.is_file()}
    assert found - {"VERSIONS"} - {name for name in found if name.endswith("LICENSE")} == {row[0] for row in VERSIONS}


def test_the_first_page_is_light() -> None:
    """Everything that base.html loads is under 100 kB compressed, our own CSS under 12 kB."""
    base = (Path(settings.BASE_DIR) / "templates/base.html").read_text()
    sizes = {
        name: len(gzip.compress((STATIC / name).read_bytes(), 6))
        for name in re.findall(r'{% static "([^"]+)" %}', base)
    }
    assert sum(sizes.values()) < 90_000
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) < 12_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(path: Path) -> None:
    """No inline script, style or handler, and nothing from elsewhere, in any template of ours."""
    text = COMMENT.sub("", path.read_text())
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)

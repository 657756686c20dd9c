"""What the browser loads: pinned, small, from here alone, and allowed by the strict policy."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from ops_console.web.assets import BUNDLES, bundle_urls

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
    """Styles and scripts of every page are small: scripts under 33 kB compressed, our CSS under 12 kB."""
    sizes = {name: len(gzip.compress(joined(parts), 6)) for name, parts in BUNDLES.items()}
    assert sizes["js/console.js"] < 33_000
    assert sizes["css/console.css"] < 12_000


def joined(parts: tuple[str, ...]) -> bytes:
    return b"\n".join((STATIC / part).read_bytes() for part in parts)


def test_a_production_page_loads_bundles(tmp_path: Path) -> None:
    """collectstatic writes each bundle, with its hash and compressed; every part is in it, in order."""
    backend = {"BACKEND": "ops_console.web.assets.BundledStaticFilesStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES={**settings.STORAGES, "staticfiles": backend}):
        call_command("collectstatic", "--no-input", verbosity=0)
        for name, parts in BUNDLES.items():
            (url,) = bundle_urls(name)
            file = tmp_path / url.removeprefix(f"/{settings.STATIC_URL.strip('/')}/")
            text = file.read_text()
            assert re.search(r"\.[0-9a-f]{12}\.", file.name)
            assert gzip.decompress(file.with_name(file.name + ".gz").read_bytes()).decode() == text
            places = [text.index((STATIC / part).read_text().strip()[:200]) for part in parts]
            assert places == sorted(places)


def test_every_part_of_a_bundle_is_used_once() -> None:
    """No template loads a part of a bundle beside the bundle."""
    parts = {part for names in BUNDLES.values() for part in names}
    loaded = {name for path in TEMPLATES for name in re.findall(r'{% static "([^"]+)" %}', path.read_text())}
    assert loaded & parts == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(path: Path) -> None:
    """No inline script, style or handler, and nothing from elsewhere, in any template of ours."""
    text = COMMENT.sub("", path.read_text())
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_table_is_not_named_as_its_panel(path: Path) -> None:
    """Both are landmarks, and people who jump between landmarks could not tell them apart."""
    text = path.read_text()
    panels = set(re.findall(r'{% panel [^%]*title="([^"]+)"', text))
    assert panels & set(re.findall(r'role="region" aria-label="([^"]+)"', text)) == set()

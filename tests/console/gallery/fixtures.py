"""The gallery's addresses and templates in place of the console's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test import override_settings

TEMPLATES = Path(__file__).parent / "templates"


@contextmanager
def installed() -> Iterator[None]:
    """Serve the gallery while the block lasts."""
    dirs = [*settings.TEMPLATES[0]["DIRS"], TEMPLATES]
    templates = [{**settings.TEMPLATES[0], "DIRS": dirs}]
    with override_settings(ROOT_URLCONF="tests.console.gallery.urls", TEMPLATES=templates):
        yield

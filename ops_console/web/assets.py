"""Styles and scripts of every page, served as one file each: a first visit is a few requests, not fifteen."""

from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Bundle to its parts, in the order in which they are read.
BUNDLES = {
    "css/console.css": ("css/tokens.css", "css/layout.css", "css/components.css", "css/lists.css"),
    "js/console.js": (
        "vendor/htmx/htmx.min.js",
        "js/source.js",
        "vendor/htmx/sse.min.js",
        "js/page.js",
        "js/time.js",
        "js/dialog.js",
        "js/toast.js",
        "js/watch.js",
        "js/keys.js",
        "js/search.js",
        "js/unsaved.js",
        "js/select.js",
        "js/cards.js",
        "js/connection.js",
        "js/live.js",
        "js/retry.js",
    ),
}


class BundledStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Adds the bundles when collectstatic runs; they are hashed and compressed like any other file."""

    serves_bundles = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            for name, parts in BUNDLES.items():
                self.delete(name)
                self._save(name, ContentFile(self._joined(parts)))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)

    def _joined(self, parts: tuple[str, ...]) -> bytes:
        found = []
        for part in parts:
            with self.open(part) as file:
                found.append(file.read())
        # A script may lack its last semicolon.
        return (b"\n;\n" if parts[0].endswith(".js") else b"\n").join(found)


def bundle_urls(name: str) -> list[str]:
    """Where a page loads a bundle from: one file, or its parts where files are served as they lie in `static/`."""
    bundled = getattr(staticfiles_storage, "serves_bundles", False)
    return [staticfiles_storage.url(part) for part in ([name] if bundled else BUNDLES[name])]

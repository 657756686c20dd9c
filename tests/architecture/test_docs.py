"""Documents that nobody is sent to are not read."""

import re

from embedded import paths
from ops_console.celery import BEAT

ENTRANCES = ("README.md", "docs/tour.md")
# A path with a slash, in backticks, that begins with a folder of ours and has no placeholder in it.
PATH = re.compile(r"`((?:docs|ops_client|ops_console|embedded|demo|tests|benchmarks)/[\w./-]+)`")


def test_every_howto_is_linked() -> None:
    """The README or the tour names each how-to by its path."""
    entrances = "".join((paths.ROOT / name).read_text() for name in ENTRANCES)
    howtos = [f"docs/howto/{file.name}" for file in (paths.ROOT / "docs/howto").glob("*.md")]
    assert [howto for howto in howtos if howto not in entrances] == []


def test_documents_name_what_is_there() -> None:
    """A file or folder of ours that a document names is where it says."""
    documents = [paths.ROOT / "README.md", *(paths.ROOT / "docs").rglob("*.md")]
    missing = [
        f"{document.relative_to(paths.ROOT)} names {path}"
        for document in documents
        for path in PATH.findall(document.read_text())
        if not (paths.ROOT / path).exists()
    ]
    assert missing == []


def test_every_periodic_task_is_told() -> None:
    """Who deploys the console reads of each task that beat starts, and of none that it does not."""
    told = re.findall(r"^\| `([\w.]+\.tasks\.\w+)` \|", (paths.ROOT / "docs/howto/deploy.md").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(BEAT)

"""Where working files are: local ones, and those of the bucket, which the demo keeps in a directory as well.

Everything is named by URL and reached through fsspec, so that a real bucket differs by one registration.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

BUCKET = "gs://podcast-demo"


class OutsideOfStorage(Exception):
    """The name leads out of the place where working files are."""


def root() -> Path:
    """The directory that stands for all storage."""
    given = os.environ.get("DEMO_STORAGE")
    return Path(given) if given else Path(tempfile.gettempdir()) / "podcast-demo"


class BucketOnDisk(LocalFileSystem):
    """`gs://bucket/key` as the file `bucket/key` below the root."""

    protocol = ("gs",)

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        text = str(path)
        if text.startswith("gs://"):
            text = str(inside(root(), text.removeprefix("gs://")))
        stripped: str = super()._strip_protocol(text)
        return stripped


fsspec.register_implementation("gs", BucketOnDisk, clobber=True)


def inside(home: Path, name: str) -> Path:
    """The path of the name below `home`. Raises OutsideOfStorage for one that leads out of it."""
    path = (home / name).resolve()
    if not path.is_relative_to(home.resolve()) or path == home.resolve():
        raise OutsideOfStorage(f"{name} lies outside of the storage.")
    return path


def working_file(name: str) -> str:
    """The URL of a local working file. Raises OutsideOfStorage."""
    return inside(root() / "working", name).as_uri()


def audio_folder(owner_id: str, episode_id: str) -> str:
    """The URL of what an assembly puts into the bucket, chunks included."""
    return f"{BUCKET}/{owner_id.replace('-', '')}/episodes/{episode_id.replace('-', '')}/audio"


def free(url: str, keep: frozenset[str] = frozenset()) -> int:
    """Remove a file, or the files of a folder whose names are not in `keep`; how many. What is gone is no error."""
    system, path = fsspec.core.url_to_fs(url)
    found = system.find(path) if system.exists(path) else []
    going = [each for each in found if Path(each).name not in keep]
    for each in going:
        system.rm_file(each)
    return len(going)

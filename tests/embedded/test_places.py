"""Directories for data and sockets."""

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import paths, places
from embedded.account import Account
from embedded.errors import StartError


def test_a_held_directory_is_refused_to_a_second_holder(tmp_path: Path) -> None:
    """Two holders at once are told apart by the kernel, without a lock file."""
    with (
        places.held(tmp_path),
        pytest.raises(StartError, match="runs already"),
        places.held(tmp_path, "It runs already."),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_released_directory_can_be_held_again(tmp_path: Path) -> None:
    """Letting go is complete."""
    with places.held(tmp_path):
        pass
    with places.held(tmp_path):
        pass


def test_what_a_killed_run_left_is_cleared(account: Account, abandoned: Path) -> None:
    """A throw-away directory that nobody holds any more goes with the next run."""
    with places.throwaway(account):
        assert not abandoned.exists()


def test_what_another_run_holds_is_not_cleared(account: Account, abandoned: Path) -> None:
    """A run never clears another's directory away, however old."""
    with places.held(abandoned), places.throwaway(account):
        assert abandoned.exists()


def test_a_throwaway_directory_is_private(account: Account) -> None:
    """Only the servers' user may enter, as trust within it is all the authentication there is."""
    with places.throwaway(account) as home:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_data_stands_in_the_checkout_where_servers_can_reach_it(
    account: Account, monkeypatch: pytest.MonkeyPatch, open_checkout: Path
) -> None:
    """An ordinary checkout keeps everything below .local."""
    assert places.data_home(account) == open_checkout / ".local" / "servers"


def test_data_stands_outside_of_a_closed_checkout(
    other_user: Account, monkeypatch: pytest.MonkeyPatch, open_checkout: Path, tmp_path: Path
) -> None:
    """Root's closed home keeps the servers' user out: their data stand outside, the same place every time."""
    monkeypatch.setattr(places, "OUTSIDE", tmp_path)
    open_checkout.chmod(0o700)
    home = places.data_home(other_user)
    assert home.parent.parent == tmp_path
    assert places.data_home(other_user) == home


def test_a_name_outside_that_is_somebody_elses_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link planted under our name in a directory that all may write to is not followed."""
    monkeypatch.setattr(places, "OUTSIDE", tmp_path)
    planted = places.outside_home(tmp_path)
    planted.rmdir()
    planted.symlink_to(tmp_path)
    with pytest.raises(StartError, match="belongs to another user"):
        places.outside_home(tmp_path)


@pytest.fixture
def abandoned() -> Path:
    """A directory such as a killed run leaves."""
    directory = Path(tempfile.mkdtemp(prefix=places.THROWAWAY_PREFIX))
    long_ago = time.time() - places.ABANDONED_SECONDS - 1
    os.utime(directory, (long_ago, long_ago))
    return directory


@pytest.fixture
def open_checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout in a directory that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="ops-console-checkout-") as made:
        root = Path(made)
        root.chmod(0o755)
        monkeypatch.setattr(paths, "LOCAL", root / ".local")
        yield root


@pytest.fixture
def other_user(account: Account) -> Account:
    """The servers' user, where that is another than ours."""
    if account.uid is None:
        pytest.skip("only root starts servers as another user")
    return account

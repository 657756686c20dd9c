"""What becomes of browser tests on a machine without Chromium."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import paths

pytestmark = pytest.mark.process
SAMPLE = """
import pytest

@pytest.mark.browser
def test_with_a_browser(chromium):
    pass

def test_without():
    pass
"""


def run_sample(directory: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a browser test and another one under this suite's rules, on a machine with nothing on its PATH."""
    sample = directory / "test_sample.py"
    sample.write_text(SAMPLE)
    kept = {name: value for name, value in os.environ.items() if name not in ("CHROMIUM", "REQUIRE_PROGRAMS")}
    config = ["-c", str(paths.ROOT / "pyproject.toml"), "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *config, *options, str(sample)],
        cwd=paths.ROOT,
        env=kept | {"PATH": str(directory)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_without_chromium_they_are_skipped_in_one_line(tmp_path: Path, options: list[str]) -> None:
    """One line says how many were left out and how to have them; the run still passes, with pytest's line last."""
    done = run_sample(tmp_path, *options)
    assert done.returncode == 0, done.stdout
    assert "1 browser tests SKIPPED: no Chromium found. apt install" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]


def test_where_they_are_required_they_fail(tmp_path: Path) -> None:
    """With REQUIRE_PROGRAMS=1 a missing Chromium is a failure, not a skip."""
    done = run_sample(tmp_path, REQUIRE_PROGRAMS="1")
    assert done.returncode == 1
    assert "No Chromium found. Install it: apt install" in done.stdout


def test_chromium_may_be_named(tmp_path: Path) -> None:
    """CHROMIUM names a browser that is not on the PATH."""
    browser = tmp_path / "my-chromium"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    done = run_sample(tmp_path, CHROMIUM=str(browser))
    assert "2 passed" in done.stdout

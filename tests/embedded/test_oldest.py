"""Which tests of the client run on the oldest versions of its dependencies."""

from pathlib import Path

import pytest

from embedded.paths import ROOT
from embedded.tasks.oldest import needs_no_console


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ('"""Embedded quotas: flags.models of django, in words."""\nimport ops_client.flags\n', True),
        ("def test():\n    from flags.models import Flag\n", False),
        ("import django.conf\n", False),
        ("from starlette import testclient\n", False),
        ("from tests import database\n", False),
        ("from tests.database import dsn\n", False),
        ("from tests.waiting import until\n", True),
    ],
)
def test_its_imports_decide(tmp_path: Path, source: str, runs: bool) -> None:
    """Not words in its text; what a helper imports counts, and so does an import inside a function."""
    test = tmp_path / "test_it.py"
    test.write_text(source)
    assert needs_no_console(test) is runs


def test_most_tests_of_decisions_run() -> None:
    """The rule leaves none out that needs the client alone."""
    for name in ("test_batches.py", "flags/test_flag_evaluate.py", "quotas/test_quota_decide.py"):
        assert needs_no_console(ROOT / "tests" / "client" / name)

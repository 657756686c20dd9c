"""django-waffle's own test suite, as its pinned package holds it, against our flags."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.waffle.differences import DIFFERENCES

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TESTS = 184
# Needs django-jinja, which is no longer maintained.
SKIPPED = {"WaffleTemplateTests.test_jinja_tags"}


@pytest.mark.process
def test_waffle_tests_pass_but_for_what_differs_by_design(tmp_path: Path) -> None:
    """In a process of its own, since it needs other settings. What differs is listed, and nothing listed passes."""
    report = tmp_path / "report.xml"
    command = [
        *(sys.executable, "-m", "pytest", "--pyargs", "waffle.tests", "--ds=tests.waffle.settings"),
        *("-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-q"),
        *("--create-db", f"--junitxml={report}"),
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))},
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE / "site")]),
    }
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert report.exists(), ran.stdout[-2000:] + ran.stderr[-2000:]
    outcomes = {name_of(case): outcome(case) for case in ElementTree.parse(report).iter("testcase")}
    assert len(outcomes) == TESTS
    assert {name for name, found in outcomes.items() if found == "skipped"} == SKIPPED
    assert {name for name, found in outcomes.items() if found == "failed"} == DIFFERENCES.keys(), ran.stdout[-4000:]


def name_of(case: ElementTree.Element) -> str:
    return f"{case.attrib['classname'].rpartition('.')[2]}.{case.attrib['name']}"


def outcome(case: ElementTree.Element) -> str:
    if case.find("skipped") is not None:
        return "skipped"
    return "failed" if case.find("failure") is not None or case.find("error") is not None else "passed"

"""Browser tests have files of their own."""

import re

from embedded import paths

TESTS = paths.ROOT / "tests"
# They hold the marker as text.
NO_BROWSER = {"test_browser_files.py", "test_browser_rule.py"}


def test_browser_tests_do_not_share_a_file_with_others() -> None:
    """Playwright leaves an event loop in the process that runs the file, where `asyncio.run` then fails."""
    marked = {file.name: file.read_text() for file in TESTS.rglob("test_*.py") if file.name not in NO_BROWSER}
    marked = {name: text for name, text in marked.items() if "mark.browser" in text}
    assert len(marked) > 5
    whole = re.compile(r"^pytestmark = .*pytest\.mark\.browser", re.MULTILINE)
    assert [name for name, text in marked.items() if not whole.search(text)] == []

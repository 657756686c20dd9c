"""When the demo's preparation is done again."""

from pathlib import Path

import pytest

from embedded.fingerprint import fingerprint


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A tree with a migration, a compiled file and a template."""
    for name in ("flags/migrations/0001.py", "flags/__pycache__/x.pyc", "templates/page.html"):
        file = tmp_path / "sources" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "sources"


def test_unchanged_sources_have_one_fingerprint(sources: Path) -> None:
    """A file that is only touched, as by a checkout, changes nothing."""
    before = fingerprint([sources])
    (sources / "flags/migrations/0001.py").touch()
    assert fingerprint([sources]) == before


def test_a_changed_file_changes_it(sources: Path) -> None:
    """A migration that is edited is run again."""
    before = fingerprint([sources])
    (sources / "flags/migrations/0001.py").write_text("edited")
    assert fingerprint([sources]) != before


def test_a_new_file_changes_it(sources: Path) -> None:
    """A migration that came with a pull is run."""
    before = fingerprint([sources])
    (sources / "flags/migrations/0002.py").write_text("")
    assert fingerprint([sources]) != before


def test_compiled_files_and_templates_do_not_change_it(sources: Path) -> None:
    """What no step reads makes no start slow."""
    before = fingerprint([sources])
    (sources / "flags/__pycache__/x.pyc").write_text("compiled again")
    (sources / "templates/page.html").write_text("redesigned")
    assert fingerprint([sources]) == before

"""The rows of the list as they are drawn: every text of a backend's is text, and what is missing is said."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import engines

from incidents.operations.operation import Operation
from incidents.operations.shown import Shown
from incidents.operations.sources import SOURCES
from ops_console.directory import Person

EVIL = "<b>\"'&"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ONE = Operation("episode_assembly", "12345678-9", "user-1", "Whales", "processing", AT, None, None, 0, 3, AT)
LINE = Shown(
    ONE, Person("user-1", "pat@example.org", "Pat", "pro"), "suspected", "no heartbeat", next(iter(SOURCES.values()))
)
TABLE = "{% load operation_rows %}{% operation_rows rows selectable %}"


def drawn(line: Shown = LINE, selectable: bool = True, **operation: Any) -> str:
    rows = [replace(line, operation=replace(line.operation, **operation))]
    return str(engines["django"].from_string(TABLE).render({"rows": rows, "selectable": selectable}))


def test_a_row_says_what_is_known() -> None:
    """Its key, its page, title, kind, user and tier, verdict with evidence, attempts."""
    row = drawn(worker="w-7", attempts=1234)
    assert 'data-key="episode_assembly/12345678-9"' in row and 'href="/operations/episode_assembly/12345678-9/"' in row
    assert ">Whales</a>" in row and "· w-7</span>" in row
    assert 'pat@example.org<span class="sub">pro</span>' in row
    assert "Suspected</span>" in row and "no heartbeat" in row and ">1,234</td>" in row


@pytest.mark.parametrize("field", ["operation_id", "title", "worker", "error", "progress_note", "owner_id"])
def test_a_backends_text_is_escaped(field: str) -> None:
    """No text of a row ends a tag or an attribute."""
    line = replace(LINE, person=None) if field == "owner_id" else LINE
    row = drawn(line, progress_rate=0.5, **{field: EVIL})
    assert "<b>" not in row and "&lt;b&gt;&quot;&#x27;&amp;" in row


def test_a_users_mail_is_escaped() -> None:
    """It comes from the backend's table."""
    assert "<b>" not in drawn(replace(LINE, person=Person("user-1", EVIL, "", EVIL)))


def test_what_is_missing_is_said() -> None:
    """No title, nobody's, nobody known; and nothing stands for progress and error."""
    assert "Without a title" in drawn(title="")
    unknown = replace(LINE, person=None)
    assert "user-1</button>" in drawn(unknown) and ">none</span>" in drawn(unknown, owner_id=None)
    assert drawn().count('class="sub"') == 3 and drawn(progress_rate=0.5, error="503").count('class="sub"') == 5


def test_long_texts_are_cut() -> None:
    """A title at 120 characters, an error at 160."""
    row = drawn(title="t" * 121, error="e" * 161)
    assert f">{'t' * 119}…<" in row and f">{'e' * 159}…<" in row


def test_who_may_not_act_selects_nothing() -> None:
    """A viewer's rows have no box."""
    assert 'type="checkbox"' in drawn() and 'type="checkbox"' not in drawn(selectable=False)

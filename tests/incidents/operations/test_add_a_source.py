"""docs/howto/add-a-source.md, followed word by word."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from embedded import paths
from incidents.operations import services, sources
from incidents.operations.listing import list_page
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.sources.base import Source
from incidents.operations.sources.indexes import missing_indexes
from incidents.operations.sources.schema import forget
from tests.incidents.operations.conftest import USER
from tests.people import actor

pytestmark = pytest.mark.django_db
TEXT = (paths.ROOT / "docs/howto/add-a-source.md").read_text()
ROW = """
INSERT INTO public.coverrender (id, user_id, name, state, started, template)
VALUES (%s, %s, 'Cover', 'rendering', now() AT TIME ZONE 'Europe/Berlin' - make_interval(mins => %s), %s)
"""


def block(language: str) -> str:
    """The document's first block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found.group(1)


@pytest.fixture(autouse=True)
def followed(monkeypatch: pytest.MonkeyPatch) -> Source:
    """The table made, the file written, the line in the registry."""
    with connection.cursor() as cursor:
        cursor.execute(block("sql"))
    written: dict[str, type[Source]] = {}
    exec(compile(block("python"), "cover.py", "exec"), written)
    source = written["CoverSource"]()
    monkeypatch.setitem(sources.SOURCES, source.kind, source)
    forget()
    return source


def make_cover(number: int, minutes: int, template: str | None = "plain") -> None:
    with connection.cursor() as cursor:
        cursor.execute(ROW, [number, USER, minutes, template])


def state_of(number: int) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, problem FROM public.coverrender WHERE id = %s", [number])
        return cursor.fetchone()


def test_it_is_listed_failed_and_retried() -> None:
    """Rows are stuck after ten minutes of Berlin's time, fail with their reason, and are retried with their payload."""
    make_cover(1, 11), make_cover(2, 9)
    assert [one.operation_id for one in list_page(Scope(kind="")).rows] == ["1"]
    services.start(actor(), Scope(kind="cover_render"), "fail", "the font is gone")
    release_due()
    assert state_of(1) == ("broken", "the font is gone")
    (failed,) = list_page(Scope(kind="cover_render", state="failed")).rows
    assert failed.error == "the font is gone"
    action = services.start(actor(), Scope(kind="cover_render", state="failed", ids=("1",)), "retry", "")
    release_due()
    assert action.commands.get().payloads == [{"cover_id": "1", "template": "plain"}]


def test_the_check_says_what_the_document_says(followed: Source) -> None:
    """What it can do, and the indexes to make; none once they are made."""
    out = StringIO()
    call_command("sources", "check", stdout=out)
    said = out.getvalue()
    for line in ('cover_render (public."coverrender")', "  list: yes", "  retry: yes", "  fail: yes"):
        assert line in said and line in TEXT
    statements = missing_indexes(followed, followed.live()).values()
    assert len(statements) == 5 and all(statement in said for statement in statements)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace(" CONCURRENTLY", ""))
    forget()
    assert not missing_indexes(followed, followed.live())


def test_everything_that_a_source_says_is_in_the_table() -> None:
    """A name that a source may set and the document does not tell of would be found by nobody."""
    names = [name for name in Source.__annotations__ if not name.startswith("_")]
    assert [name for name in names if f"`{name}`" not in TEXT] == []

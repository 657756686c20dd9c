"""An edit that changes only a JSON type (`true` to `1`, `5` to `5.0`) is an edit everywhere."""

from typing import Any

import pytest

from flags import promotion, segment_services, services
from flags.models import Flag, Segment, State
from flags.promotion import Outcome
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.audit.revert import revert
from ops_console.errors import InvalidInput
from ops_console.web.diff import changes
from tests.flags.test_flag_admin import change_url, form
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db

EDITS = [(True, 1), (1, True), (0, False), (5, 5.0), (5.0, 5)]
edits = pytest.mark.parametrize(("before", "after"), EDITS)


def constraint(value: object) -> dict[str, Any]:
    return {"field": "beta", "operator": "IN", "values": [value]}


def rules(value: object) -> list[dict[str, Any]]:
    return [{"constraints": [constraint(value)]}]


def make(value: object, **more: object) -> Flag:
    return services.create(actor(), "player", {"rules": rules(value), **more}, State.RULES)


def stored(flag: Flag) -> str:
    return repr(Flag.objects.get(pk=flag.pk).rules[0]["constraints"][0]["values"][0])


@edits
def test_a_flag_is_edited(before: object, after: object) -> None:
    """The service stores it under a new version, with an entry whose difference can be seen."""
    flag = make(before)
    assert services.edit(actor(), flag.pk, {"rules": rules(after)}, 1).version == 2
    assert stored(flag) == repr(after)
    entry = Entry.objects.latest("id")
    assert entry.action == "flag.edit"
    assert [row.field for row in changes(entry.before, entry.after)] == ["rules"]


@edits
def test_a_segment_is_edited(before: object, after: object) -> None:
    """As a flag."""
    segment = segment_services.create_segment(actor(), "betas", {"constraints": [constraint(before)]})
    edited = segment_services.edit_segment(actor(), segment.pk, {"constraints": [constraint(after)]}, 1)
    assert edited.version == 2
    assert repr(Segment.objects.get(pk=segment.pk).constraints[0]["values"]) == repr([after])


@edits
def test_an_import_stores_it(before: object, after: object) -> None:
    """The report calls the row changed, and names the field."""
    flag = make(before)
    row = promotion.export()["flags"][0] | {"rules": rules(after)}
    document = {"format": "ops-console-flags", "version": 1, "segments": [], "flags": [row]}
    (result,) = promotion.run(actor(), promotion.own(document), dry_run=False).results
    assert (result.outcome, list(result.after)) == (Outcome.CHANGED, ["rules"])
    assert stored(flag) == repr(after)


@edits
def test_it_is_reverted(before: object, after: object) -> None:
    """A revert restores the type, and then finds nothing more to revert."""
    flag = make(before)
    services.edit(actor(), flag.pk, {"rules": rules(after)}, 1)
    entry = Entry.objects.latest("id")
    revert(actor(), entry.pk)
    assert stored(flag) == repr(before)
    with pytest.raises(InvalidInput, match="Nothing to revert"):
        revert(actor(), entry.pk)


@edits
def test_the_admin_records_it(before: object, after: object) -> None:
    """A save in Django's admin leaves an entry."""
    flag = make(before)
    text = {True: "true", False: "false"}.get(after, str(after)) if isinstance(after, bool) else str(after)
    document = f'[{{"constraints": [{{"field": "beta", "operator": "IN", "values": [{text}]}}]}}]'
    answer = signed_in(Role.ADMIN).post(change_url(flag), form(flag, everyone="unknown", rules=document))
    assert answer.status_code == 302, answer.content.decode()
    assert stored(flag) == repr(after)
    assert Entry.objects.latest("id").action == "flag.update"


@edits
def test_a_protected_flag_asks_for_it(before: object, after: object) -> None:
    """An edit of the type together with the kill switch still needs its confirmation."""
    flag = make(before, protected=True)
    with pytest.raises(InvalidInput, match="reason"):
        services.change(actor(), flag, "flag.edit", {"everyone": False, "rules": rules(after)})


def test_the_page_of_a_flag_shows_it() -> None:
    """`true` and the text "true" read alike in sentences: where documents differ, the history shows the documents."""
    flag = make(True)
    services.edit(actor(), flag.pk, {"rules": rules("true")}, 1)
    page = signed_in(Role.VIEWER).get(f"/flags/{flag.pk}/history/").content.decode()
    assert "&quot;values&quot;: [" in page

"""What comes from Unleash is stored, answers as it did there, and goes through the editor unchanged."""

import pytest

from flags import promotion
from flags.editor import documents
from flags.editor.rows import Row
from flags.models import Flag, Segment
from ops_client.flags import unleash
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.rules import definition_from_row, segments_from_rows
from ops_console.access.actor import SYSTEM

WEB = {"contextName": "appName", "operator": "IN", "values": ["web"], "inverted": False, "caseInsensitive": True}
RED = {"name": "red", "weight": 300}
ROLLOUT = {"rollout": "40", "stickiness": "default", "groupId": "editor"}
BLUE = {"name": "blue", "weight": 700, "payload": {"type": "json", "value": "1"}}
DOCUMENT = {
    "version": 2,
    "features": [
        {
            "name": "upload",
            "enabled": True,
            "strategies": [],
            "dependencies": [{"feature": "editor", "variants": ["blue"]}],
        },
        {
            "name": "editor",
            "enabled": True,
            "type": "experiment",
            "strategies": [
                {"name": "flexibleRollout", "parameters": ROLLOUT, "segments": [7], "variants": [BLUE, RED]},
                {"name": "gradualRolloutRandom", "parameters": {"percentage": "0"}, "constraints": []},
                {"name": "userWithId", "parameters": {"userIds": "1,2"}},
            ],
            "variants": [{"name": "plain", "weight": 1, "overrides": [{"contextName": "userId", "values": ["1"]}]}],
        },
        {"name": "old", "enabled": False, "strategies": [{"name": "default"}, {"name": "ourOwn"}]},
    ],
    "segments": [{"id": 7, "name": "web", "constraints": [WEB]}],
}  # fmt: skip
ROWS = ("name", "everyone", "rules", "variants", "prerequisites")


@pytest.mark.django_db
def test_stored_flags_answer_as_unleash_did():
    """Every user has the side and the variant that the document gave them, by the rows that backends read."""
    report = promotion.run(SYSTEM, promotion.unleash(DOCUMENT), dry_run=False)
    assert report.counts == {"new": 4, "changed": 0, "same": 0, "refused": 0}
    definitions = [definition_from_row(row) for row in Flag.objects.values(*ROWS)]
    stored = compile_snapshot(definitions, 1, segments_from_rows(Segment.objects.values("name", "constraints")))
    flags = unleash.load(DOCUMENT)
    seen = set()
    for number in range(300):
        context = {"userId": str(number), "appName": "WEB" if number % 3 else "api"}
        for name in ("upload", "editor", "old"):
            found = flags.variant(name, context)
            assert stored.variant(name, unleash.context(context)) == found
            seen.add((name, found.feature_enabled, found.name))
    assert {("upload", True, "disabled"), ("editor", True, "plain"), ("editor", True, "red")} <= seen


@pytest.mark.django_db
def test_a_second_import_changes_nothing():
    """What is stored as it stands in the file is the same."""
    promotion.run(SYSTEM, promotion.unleash(DOCUMENT), dry_run=False)
    assert promotion.run(SYSTEM, promotion.unleash(DOCUMENT), dry_run=True).counts["same"] == 4


def test_the_editor_changes_nothing():
    """Rules, variants and prerequisites that are edited and put back are the same documents."""
    for row in promotion.unleash(DOCUMENT).flags:
        root = Row()
        documents.show_rules(root, row["rules"])
        documents.show_variants(root, row["variants"])
        documents.show_prerequisites(root, row["prerequisites"])
        found = documents.rules(root), documents.variants(root), documents.prerequisites(root)
        assert found == (row["rules"], row["variants"], row["prerequisites"])

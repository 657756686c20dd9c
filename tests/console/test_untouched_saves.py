"""A form that is saved as it was opened changes nothing: no version, no audit entry, and the page says so."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.urls import reverse

from flags import segment_services
from flags import services as flag_services
from flags.models import Flag
from incidents.alerts.evaluation import make_rules
from incidents.alerts.services import edit_rule
from incidents.sweep.services import arm
from ops_console.access import services as access_services
from ops_console.access.actor import SYSTEM
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from quotas.models import Policy, Resource
from quotas.seed import seed
from quotas.services import Wanted, set_override
from quotas.settings_services import set_policy, try_policy
from tests import podcast
from tests.people import actor, person, signed_in
from tests.plain_form import fields_of, sent

pytestmark = pytest.mark.django_db

USER = "6d1f9a34-5a1c-4f0e-9a1c-3f1d6f0a7b11"
# As a program may store them: blanks around, line feeds without carriage returns, a comma within a tag.
NOTE = "  first line\n\n\tsecond line \n"
TAGS = [" padded ", "a, b"]


def opened_override() -> tuple[Model, str, str]:
    seed()
    podcast.add_user(USER, "hanna@example.com", "Hanna", "Novak", "pro")
    made = set_override(SYSTEM, USER, "api_calls", Wanted(12_000, None, "a launch\nof two days"))
    return made, f"/quotas/users/{USER}/api_calls/", ""


def opened_policy() -> tuple[Model, str, str]:
    seed()
    return set_policy(SYSTEM, "gold", "storage_bytes", 50 * 10**9), "/quotas/tiers/gold/storage_bytes/", ""


def opened_resource() -> tuple[Model, str, str]:
    seed()
    Resource.objects.filter(pk="api_calls").update(title=" Calls ", unit=" calls")
    return Resource.objects.get(pk="api_calls"), "/quotas/resources/api_calls/", ""


def opened_rule() -> tuple[Model, str, str]:
    make_rules()
    quiet = {"quiet_from": "22:00:30", "quiet_until": "07:00", "limit": 0.1}
    rule = edit_rule(actor(Role.ADMIN), "breaker_open", quiet, 1)
    return rule, "/alerts/rules/breaker_open/", ""


def a_flag() -> Flag:
    return flag_services.create(
        actor(), "player", {"note": NOTE, "owner": " team ", "tags": TAGS, "languages": "en , de "}
    )


def opened_flag_settings() -> tuple[Model, str, str]:
    flag = a_flag()
    return flag, reverse("flags:settings", args=[flag.pk]), "settings"


def opened_flag_rules() -> tuple[Model, str, str]:
    flag = a_flag()
    return flag, reverse("flags:rules", args=[flag.pk]), "editor"


def opened_flag_variants() -> tuple[Model, str, str]:
    flag = a_flag()
    variants = [{"name": "a", "weight": 1, "payload": {"type": "string", "value": " two\nlines "}}]
    flag_services.edit(actor(), flag.pk, {"variants": variants}, flag.version)
    return flag, reverse("flags:variants", args=[flag.pk]), "editor"


def opened_segment() -> tuple[Model, str, str]:
    segment = segment_services.create_segment(actor(), "beta", {"note": NOTE})
    return segment, reverse("flags:segment", args=[segment.pk]), "editor"


@pytest.mark.parametrize(
    "opened",
    [
        opened_override,
        opened_policy,
        opened_resource,
        opened_rule,
        opened_flag_settings,
        opened_flag_rules,
        opened_flag_variants,
        opened_segment,
    ],
)
def test_a_form_saved_as_it_was_opened_changes_nothing(opened: Callable[[], tuple[Model, str, str]]) -> None:
    """Whatever a program had stored: blanks, line feeds and commas survive, and nothing is recorded."""
    row, url, form_id = opened()
    row.refresh_from_db()
    before, entries = vars(row).copy(), Entry.objects.count()
    admin = signed_in(Role.ADMIN)
    fields = fields_of(admin.get(url).content.decode(), form_id)
    body = sent([(name, value.replace("\n", "\r\n")) for name, value in fields])
    answer = admin.post(url, body, follow=True)
    assert answer.status_code == 200, answer.content.decode()
    row.refresh_from_db()
    assert _without_state(vars(row)) == _without_state(before)
    assert Entry.objects.count() == entries
    assert "No changes." in answer.content.decode()


def test_an_edited_field_is_saved_beside_the_untouched_ones() -> None:
    """One note is typed anew; the blanks of the owner and the tags stay, and lines end as they are stored elsewhere."""
    flag, url, form_id = opened_flag_settings()
    admin = signed_in(Role.ADMIN)
    body = sent(fields_of(admin.get(url).content.decode(), form_id), note="new\r\nnote")
    assert admin.post(url, body).status_code == 303
    flag.refresh_from_db()
    assert isinstance(flag, Flag)
    assert (flag.note, flag.owner, flag.tags, flag.version) == ("new\nnote", " team ", TAGS, 2)


@pytest.mark.parametrize(("act", "version"), [("enforce", "0"), ("end", "1")])
def test_a_tier_without_a_limit_of_its_own_keeps_the_default(act: str, version: str) -> None:
    """An empty limit saved where there is none, or the end of a trial that is none, changes nothing."""
    seed()
    if act == "end":
        set_policy(SYSTEM, "gold", "api_calls", 7)
    entries = Entry.objects.count()
    body = {"limit": "", "version": version, "act": act}
    answer = signed_in(Role.ADMIN).post("/quotas/tiers/gold/api_calls/", body, follow=True)
    assert "No changes." in answer.content.decode()
    assert Entry.objects.count() == entries
    assert Policy.objects.filter(tier="gold").count() == (act == "end")


def test_a_role_given_again_changes_nothing() -> None:
    """The role that somebody has already is no change of it."""
    oscar, admin = person(Role.OPERATOR), signed_in(Role.ADMIN)
    entries = Entry.objects.count()
    url = reverse("access:change_role", args=[oscar.pk])
    answer = admin.post(url, {"role": oscar.role, "version": oscar.version}, follow=True)
    assert "No changes." in answer.content.decode()
    assert (User.objects.get(pk=oscar.pk).version, Entry.objects.count()) == (oscar.version, entries)


def test_what_programs_set_again_changes_nothing() -> None:
    """The services themselves: a limit on trial, an arming and a role that are so already."""
    seed()
    set_policy(SYSTEM, "gold", "api_calls", 7)
    tried = try_policy(SYSTEM, "gold", "api_calls", 5, version=1)
    admin = actor(Role.ADMIN)
    arm(admin, "episode_assembly", 5, "as agreed")
    entries = Entry.objects.count()
    assert try_policy(SYSTEM, "gold", "api_calls", 5, tried.version).version == tried.version
    arm(admin, "episode_assembly", 5, "as agreed")
    access_services.change_role(admin, person(Role.VIEWER).pk, Role.VIEWER, 1)
    assert Entry.objects.count() == entries


@pytest.mark.parametrize(
    ("kind", "path"), [("flag", "flags_flag"), ("segment", "flags_segment"), ("override", "quotas_override")]
)
def test_djangos_admin_keeps_what_nobody_edited(kind: str, path: str) -> None:
    """The version stays too, and so does who made an override."""
    made = {"flag": opened_flag_rules, "segment": opened_segment, "override": opened_override}
    row: Any = made[kind]()[0]
    row.refresh_from_db()
    before, entries = vars(row).copy(), Entry.objects.count()
    admin, url = signed_in(Role.ADMIN), reverse(f"admin:{path}_change", args=[row.pk])
    form = admin.get(url).context["adminform"].form
    shown = {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False, [])}
    body = {name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in shown.items()}
    body |= {"everyone": "false"} if kind == "flag" else {}
    answer = admin.post(url, body)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert _without_state(vars(row)) == _without_state(before)
    assert Entry.objects.count() == entries


def _without_state(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.startswith("_")}

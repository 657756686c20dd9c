"""What random requests found: each answered 500."""

import pytest

from flags.models import Flag
from ops_console.access.roles import Role
from tests.people import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/breakers/a%00b/", "/breakers/a%00b/override/"])
def test_a_path_that_cannot_be_stored_names_nothing(path: str) -> None:
    """Whatever parameter it is of, and before any view asks the database for it."""
    assert signed_in(Role.ADMIN).post(path, {}).status_code == 404


@pytest.mark.parametrize("path", ["/admin/operations/action/", "/sweep/", "/audit/", "/operations/", "/alerts/"])
def test_a_filter_that_cannot_be_stored_finds_nothing(path: str) -> None:
    """Whatever view reads it: none of them asks the database for NUL."""
    query = "&".join(f"{name}=a%00b" for name in ("kind", "q", "actor", "tier", "state", "target_type"))
    assert signed_in(Role.ADMIN).get(path, QUERY_STRING=query).status_code in (200, 302)


@pytest.mark.parametrize("key", ["a@b", "61,5", "a\0b"])
def test_a_selected_row_of_the_admin_needs_an_id(key: str) -> None:
    """Django asks the database for whatever was sent."""
    form = {"_selected_action": [key], "action": "delete_selected"}
    answer = signed_in(Role.ADMIN).post("/admin/flags/flag/", form, follow=True)
    assert answer.status_code == 200
    assert "has an id that is none" in answer.content.decode()


@pytest.mark.parametrize("rules", ["[" * 2000, '"\\ud800"', "NaN"])
def test_json_that_cannot_be_stored_is_refused_at_its_field(rules: str) -> None:
    """It is shown again as it was sent."""
    answer = signed_in(Role.ADMIN).post("/admin/flags/flag/add/", {"name": "odd", "rules": rules})
    assert answer.status_code == 200
    assert "Enter a valid JSON" in answer.content.decode()
    assert not Flag.objects.filter(name="odd").exists()

"""What a browser or a proxy may keep of the console: nothing but its static files."""

import pytest

from ops_console.access.roles import Role
from tests.api.calling import calling
from tests.people import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/flags/", "/audit/?format=csv", "/access/users/", "/admin/", "/nowhere/"])
def test_a_signed_in_page_is_not_stored(path: str) -> None:
    """After a sign-out the back button shows nothing: pages, downloads, errors."""
    assert "no-store" in signed_in(Role.ADMIN).get(path).headers["Cache-Control"]


def test_an_answer_of_the_api_is_not_stored() -> None:
    """It holds what the page holds."""
    assert calling(Role.ADMIN).get("/api/v1/flags").headers["Cache-Control"] == "no-store"

"""The pages of API tokens: one's own for everybody, all of them for admins, the secret shown once."""

from collections.abc import Callable

from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client, override_settings

from ops_console.access.models import ApiToken, User
from tests.api.calling import with_token

SignedIn = Callable[[User], Client]
NEW = {"name": "deploy", "role": "operator", "scopes": ["flags:read", "flags:write"], "days": "30"}


def made(client: Client, **changes: str | list[str]) -> str:
    """Make a token by the form; its text as the page shows it."""
    body = client.post("/access/tokens/new/", {**NEW, **changes}).content.decode()
    return "opsc_" + body.split('data-copy="opsc_')[1].split('"')[0]


def test_the_token_is_shown_once_and_works(signed_in: SignedIn, operator: User) -> None:
    """What the page shows opens the API; the list afterwards shows the key and not the secret."""
    client = signed_in(operator)
    text = made(client)
    assert with_token(text).get("/api/v1/flags").status_code == 200
    body = client.get("/access/tokens/").content.decode()
    assert ApiToken.objects.get().key in body and text.split("_", 2)[2] not in body


def test_the_page_with_the_secret_is_kept_nowhere(signed_in: SignedIn, operator: User) -> None:
    """No cache keeps the one answer that holds the secret."""
    answer = signed_in(operator).post("/access/tokens/new/", NEW)
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_viewer_is_offered_reading_only(signed_in: SignedIn, viewer: User) -> None:
    """Neither a writing scope nor a higher role stands in a viewer's form, and sending them all the same is refused."""
    client = signed_in(viewer)
    body = client.get("/access/tokens/new/").content.decode()
    assert "flags:read" in body and "flags:write" not in body and 'value="operator"' not in body
    assert client.post("/access/tokens/new/", NEW).status_code == 422
    assert made(client, role="viewer", scopes=["flags:read"])


def test_others_tokens_are_the_admins_to_see_and_end(signed_in: SignedIn, operator: User, admin: User) -> None:
    """An operator sees their own; an admin finds all under Everybody's and revokes one; it stops at once."""
    text = made(signed_in(operator))
    other = signed_in(admin)
    assert "deploy" not in other.get("/access/tokens/").content.decode()
    assert "deploy" in other.get("/access/tokens/?whose=all").content.decode()
    assert signed_in(operator).get("/access/tokens/?whose=all").status_code == 403
    other.post(f"/access/tokens/{ApiToken.objects.get().pk}/revoke/", {"reason": "seen in a log"})
    assert with_token(text).get("/api/v1/flags").status_code == 401


def test_revoking_asks_first(signed_in: SignedIn, operator: User) -> None:
    """Reading the address of the act changes nothing."""
    client = signed_in(operator)
    text = made(client)
    body = client.get(f"/access/tokens/{ApiToken.objects.get().pk}/revoke/").content.decode()
    assert "cannot be brought back" in body
    assert with_token(text).get("/api/v1/flags").status_code == 200


def test_a_token_that_waits_for_a_second_factor_says_so(signed_in: SignedIn, operator: User, admin: User) -> None:
    """An admin sees of a colleague's token that the missing second factor stops it, and of one's own that it works."""
    made(signed_in(operator))
    TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    made(signed_in(admin))
    with override_settings(REQUIRE_SECOND_FACTOR=True):
        body = signed_in(admin).get("/access/tokens/?whose=all").content.decode()
    assert body.count("operator lacks the second factor that is required") == 1
    assert body.count("Works") == 1

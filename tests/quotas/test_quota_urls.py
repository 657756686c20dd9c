"""Addresses of users and tiers, whatever their ids hold."""

from urllib.parse import unquote

import pytest
from django.urls import resolve, reverse


@pytest.mark.parametrize("user_id", ["7", "a/b", "a/override", "~1", "~/~0", "team/7/api_calls", "š ě", "a?b#c%2F"])
@pytest.mark.parametrize("name", ["user", "override"])
def test_an_id_may_hold_anything(user_id, name):
    """The address of a user, and of their override, leads back to exactly that id."""
    given = [user_id, "api_calls"][: 1 + (name == "override")]
    found = resolve(unquote(reverse(f"quotas:{name}", args=given)))
    assert (found.url_name, found.kwargs["user_id"]) == (name, user_id)


def test_a_tier_may_hold_a_slash():
    """So does a tier."""
    assert resolve(reverse("quotas:policy", args=["eu/pro", "api_calls"])).kwargs["tier"] == "eu/pro"

"""What the overview's first figures say."""

from collections.abc import Callable

import pytest
from django.test import Client

from ops_console.access.models import User
from ops_console.contract.models import Instance


@pytest.mark.django_db
def test_nobody_behind_is_no_good_news_while_nobody_follows(viewer: User, signed_in: Callable[[User], Client]) -> None:
    """Without a live backend the tile says so in words instead of a calm 0."""
    Instance.objects.all().delete()
    assert "No backend follows" in signed_in(viewer).get("/").content.decode()

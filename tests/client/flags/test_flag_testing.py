"""What users of the client test their own flags with."""

from ops_client.flags.explain import Reason
from ops_client.testing import client_with_flags, flag_row, set_flags

RED = {"name": "red", "weight": 1, "payload": {"type": "string", "value": "#f00"}}


def test_flags_without_a_database() -> None:
    """A test gives the flags that it needs, and asks them as its code does."""
    with client_with_flags(flag_row("player", everyone=True, variants=[RED]), flag_row("old", everyone=False)) as ops:
        assert ops.flags.is_enabled("player", {"user_id": "1"})
        assert not ops.flags.is_enabled("old")
        assert ops.flags.variant("player", {"user_id": "1"}).payload.parsed() == "#f00"  # type: ignore[union-attr]
        assert ops.flags.explain("old").reason is Reason.EVERYONE


def test_flags_change_at_once() -> None:
    """A change in the middle of a test is in force when the call returns."""
    with client_with_flags(flag_row("player", percent=100)) as ops:
        assert ops.flags.is_enabled("player")
        set_flags(ops, flag_row("player", percent=0))
        assert not ops.flags.is_enabled("player", {"user_id": "1"})

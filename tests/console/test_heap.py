"""A server's own code is out of the garbage collector's sight once it serves."""

import gc

from ops_console.heap import settle


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """After that, a full collection looks only at what requests have made since."""
    try:
        settle()
        assert gc.get_freeze_count() > 10_000 > len(gc.get_objects())
    finally:
        gc.unfreeze()

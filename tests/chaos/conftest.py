"""What the proofs share."""

from collections.abc import Iterator
from typing import Any

import pytest

from incidents.operations.sources.schema import forget
from tests import podcast


@pytest.fixture
def committed(transactional_db: None, settings: Any) -> Iterator[None]:
    """Changes that other processes see, released without a wait; the backend's tables are emptied afterwards too."""
    settings.UNDO_SECONDS = settings.UNDO_BULK_SECONDS = 0
    forget()
    yield
    podcast.empty_tables()
    forget()

"""Backend processes as they report themselves."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ops_console.contract.models import Instance


def alive(service: str, seconds_ago: float = 1, **fields: Any) -> Instance:
    """A process that was heard of so many seconds ago."""
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    return Instance.objects.create(
        id=uuid.uuid4(),
        service=service,
        host="host",
        pid=1,
        client_version="1",
        contract="v1",
        started_at=seen_at,
        seen_at=seen_at,
        **fields,
    )

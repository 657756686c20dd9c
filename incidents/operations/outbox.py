"""What of the outbox some backend takes up."""

from datetime import timedelta

from django.utils import timezone

from incidents.operations.models import Handler

LATELY = timedelta(days=1)


def is_handled(kind: str, command: str) -> bool:
    """Whether some backend process has asked for such commands within a day."""
    return Handler.objects.filter(name=f"{kind}.{command}"[:80], seen_at__gt=timezone.now() - LATELY).exists()

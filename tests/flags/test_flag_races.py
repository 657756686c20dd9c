"""Changes of several people at one moment: what crosses rows is checked by one of them at a time."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from flags import segment_services, services
from flags.models import Flag
from ops_console.access.actor import SYSTEM
from ops_console.errors import ConsoleError, InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


def both(*acts: Callable[[], object]) -> list[ConsoleError]:
    """Do them at one moment; the refusals."""
    refused: list[ConsoleError] = []
    begin = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        begin.wait()
        try:
            act()
        except ConsoleError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_two_halves_of_a_circle_meet() -> None:
    """Two edits that would each be fine alone: one of them is refused, and no circle stands."""
    for turn in range(5):
        a, b = (services.create(SYSTEM, f"{name}{turn}", {}) for name in "ab")
        (refusal,) = both(
            lambda a=a, b=b: services.edit(SYSTEM, a.pk, {"prerequisites": [{"flag": b.name}]}, 1),
            lambda a=a, b=b: services.edit(SYSTEM, b.pk, {"prerequisites": [{"flag": a.name}]}, 1),
        )
        assert isinstance(refusal, InvalidInput) and "circle" in refusal.message
        assert Flag.objects.filter(name__in=[a.name, b.name]).exclude(prerequisites=[]).count() == 1


def test_a_segment_is_not_deleted_under_a_new_rule() -> None:
    """Either the rule comes first and the segment stays, or the segment goes and the rule is refused."""
    for turn in range(5):
        segment = segment_services.create_segment(SYSTEM, f"s{turn}", {})
        flag = services.create(SYSTEM, f"f{turn}", {})
        refused = both(
            lambda segment=segment: segment_services.delete_segment(SYSTEM, segment.pk),
            lambda flag=flag, segment=segment: services.edit(
                SYSTEM, flag.pk, {"rules": [{"segments": [segment.name]}]}, 1
            ),
        )
        assert len(refused) == 1


def test_one_of_two_editors_wins() -> None:
    """Two edits of one version: one is kept, the other is shown both."""
    flag = services.create(SYSTEM, "f", {})
    refused = both(*(lambda note=note: services.edit(SYSTEM, flag.pk, {"note": note}, 1) for note in ("one", "two")))
    assert [error.code for error in refused] == ["conflict"]
    flag.refresh_from_db()
    assert flag.version == 2

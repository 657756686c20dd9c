"""Operations at size: the list's pages with and without the indexes that `sources check` asks for, bulks against one
plain statement, what a bulk costs the workers beside it, and the list after all that.

`dev.py bench operations` at a small size, `dev.py bench operations --rows 10000000 --json` at full; each on servers of
its own. As `python -m benchmarks.operations` it needs DATABASE_URL of a superuser.
"""

import argparse
import json
import os
import sys
from typing import Any

from benchmarks.bulk import measure_bulk
from benchmarks.operation_lists import measure_lists, one_page_seconds
from benchmarks.operation_rows import address, fill, prepare, run_as_owner, vacuum
from benchmarks.racing import race
from benchmarks.report import Result, table

ROWS = 100_000
BULKS = (("fail", 10_000), ("fail", 100_000), ("retry", 100_000), ("fail", 1_000_000))
VICTIMS = 300_000
# What is stuck, of all rows.
STUCK_RATE = 0.115


def measure(rows: int, pairs: int) -> Result:
    """Fill, look without indexes, make them, look again; then bulks, a race with workers, and the list once more."""
    prepare()
    set_up_django()
    fill(rows)
    say("filled")
    seconds, says_so = one_page_seconds()
    run_as_owner(wanted())
    lists = say(measure_lists())
    stuck = int(rows * STUCK_RATE)
    bulks = [say(measure_bulk(size, pairs, verb)) for verb, size in BULKS if size <= stuck]
    victims = say(race(address(), min(VICTIMS, stuck)).facts())
    vacuum()
    details = {
        "rows": rows,
        "list": lists,
        "without_indexes": {"page_seconds": seconds, "names_the_missing_index": says_so},
        "bulks": bulks,
        "race": victims,
        "list_after_bulks": (after := say(measure_lists())),
        "times_before_bulks": {
            name: round(after["p95_ms_by_page"][name] / before, 2)
            for name, before in lists["p95_ms_by_page"].items()
            if name in after["p95_ms_by_page"]
        },
    }
    return Result("operations", "ms (list page, p95)", lists["p95_ms"], lists["floor_ms"], details=details)


def say(found: Any) -> Any:
    """What is known already, for who waits."""
    print(found, file=sys.stderr, flush=True)
    return found


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")
    django.setup()
    from django.conf import settings
    from django.test import override_settings

    from ops_console.heap import settle

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    at_once = {"UNDO_SECONDS": 0, "UNDO_BULK_SECONDS": 0}
    storages = {**settings.STORAGES, "staticfiles": plain}
    override_settings(STORAGES=storages, WHITENOISE_AUTOREFRESH=True, **at_once).enable()
    settle()  # as the server does when it starts


def wanted() -> list[str]:
    """Every index that `sources check` names, as SQL."""
    from incidents.operations.sources import SOURCES
    from incidents.operations.sources.indexes import missing_indexes
    from ops_console.directory import indexes

    found = [text for source in SOURCES.values() for text in missing_indexes(source, source.live()).values()]
    return [*found, *indexes.statements()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--pairs", type=int, default=3, help="bulks of each size, each way")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    facts = measure(arguments.rows, arguments.pairs).facts()
    print(json.dumps(facts) if arguments.json else table(facts))


if __name__ == "__main__":
    main()

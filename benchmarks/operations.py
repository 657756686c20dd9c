"""Operations at size: the list's pages with and without the indexes that `sources check` asks for.

`python -m benchmarks.operations --rows 10000000 --json`; needs DATABASE_URL of a superuser. By `dev.py bench
operations` on servers of its own, at a small size.
"""

import argparse
import json
import os

from benchmarks.operation_lists import measure_lists, one_page_seconds
from benchmarks.operation_rows import fill, prepare, run_as_owner
from benchmarks.report import Result, table

ROWS = 100_000


def measure(rows: int) -> Result:
    """Fill, look without indexes, make them, look again."""
    prepare()
    set_up_django()
    fill(rows)
    seconds, says_so = one_page_seconds()
    run_as_owner(wanted())
    lists = measure_lists()
    details = {
        "rows": rows,
        "list": lists,
        "without_indexes": {"page_seconds": seconds, "names_the_missing_index": says_so},
    }
    return Result("operations", "ms (list page, p95)", lists["p95_ms"], lists["floor_ms"], details=details)


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")
    django.setup()
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}, WHITENOISE_AUTOREFRESH=True).enable()


def wanted() -> list[str]:
    """Every index that is missing, as SQL."""
    from incidents.operations.sources import SOURCES
    from incidents.operations.sources.indexes import missing_indexes

    return [text for source in SOURCES.values() for text in missing_indexes(source, source.live()).values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    facts = measure(arguments.rows).facts()
    print(json.dumps(facts) if arguments.json else table(facts))


if __name__ == "__main__":
    main()

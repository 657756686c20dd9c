"""A report of an import in lines for a terminal."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from flags.promotion.importing import Report, Result


def told(report: Report) -> list[str]:
    """A line a row with what differs or why it was refused, then what could not be read, then the counts."""
    lines = [f"{result.outcome:8} {result.kind} {result.name}" + _difference(result) for result in report.results]
    lines += [f"problem  {each.flag or 'file'}, {each.rule}: {each.message}" for each in report.problems]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    return [*lines, f"{'Would be' if report.dry_run else 'Done'}: {counted}."]


def _difference(result: Result) -> str:
    if result.reason:
        return f": {result.reason}"
    if not result.before:
        return ""
    parts = [f"{name} {cell(result.before[name])} -> {cell(result.after[name])}" for name in result.after]
    return f": {'; '.join(parts)}"


def cell(value: Any) -> str:
    """A value in a line; a dash for none."""
    if isinstance(value, list | dict):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False) if value else "-"
    return "-" if value is None or value == "" else str(value)

"""A flag at a glance: what is in force, in words, who applied it, and the lines that use it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from flags import processes, queries, staleness, usage
from flags.chart import draw
from flags.effects import reach
from flags.models import Flag, State
from flags.prerequisites import dependents
from flags.views import code
from flags.views.common import flag_part
from flags.words import as_list, prerequisite_in_words, rules_in_words, schedule_in_words
from ops_console.audit.queries import last_entries
from ops_console.contract.queries import followers
from ops_console.web import tabs

_SHOWN_CHANGES = 5
_BY = [("", "By variant"), ("service", "By service"), ("result", "By answer")]


@require_GET
def flag_page(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    context = {
        "states": State,
        "rules": rules_in_words(flag),
        "schedule": schedule_in_words(flag),
        "prerequisites": _prerequisites(flag),
        "needed_by": dependents(flag.name),
        "entries": last_entries("flag", str(flag.pk), _SHOWN_CHANGES),
        "followers": followers(),
        "problems": processes.problems_of(flag.name),
        "defaults": processes.defaults_of(flag.name),
        "stale": staleness.reasons(flag),
        **_usage(request, flag),
        "uses": code.uses(flag.name, bool(flag.variants)),
    }
    return flag_part(request, flag, "page", context)


@require_GET
def flag_reach(request: HttpRequest, flag_id: int) -> HttpResponse:
    """For how many users it is on. Apart from the page, which must not wait for a count of 20,000."""
    flag = queries.flag(flag_id)
    return flag_part(request, flag, "reach", {"reach": reach(flag)})


def _prerequisites(flag: Flag) -> list[tuple[str, int | None, str]]:
    """Parents by name, with their page where they are defined, and what is asked of them."""
    asked = [raw for raw in as_list(flag.prerequisites) if isinstance(raw, dict)]
    known = dict(Flag.objects.filter(name__in=[str(raw.get("flag")) for raw in asked]).values_list("name", "pk"))
    return [(str(raw.get("flag")), known.get(str(raw.get("flag"))), prerequisite_in_words(raw)) for raw in asked]


def _usage(request: HttpRequest, flag: Flag) -> dict[str, Any]:
    chosen = request.GET.get("by", "")
    by: usage.By = "service" if chosen == "service" else "result" if chosen == "result" else "variant"
    return {
        "usage": draw(usage.series(flag.name, by)),
        "usage_tabs": tabs(request, _BY, param="by"),
        "last_asked": usage.last_asked([flag.name]).get(flag.name),
    }

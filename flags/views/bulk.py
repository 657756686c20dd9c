"""Archive the flags that are selected, or all that match: asks first, with what it will do."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from flags import bulk, list_rows, queries
from flags.forms import FilterForm, NeededReasonForm
from ops_console.access.actor import actor_of
from ops_console.errors import InvalidInput
from ops_console.web import Question, ask, done

_NAMED = 8


@require_POST
def flags_bulk(request: HttpRequest) -> HttpResponse:
    """Without `sure` it asks; the ids that were seen then are the ones that go."""
    sure = "sure" in request.POST
    ids = _ids(request.POST.get("chosen", "").split(",")) if sure else _chosen(request.POST)
    plan = bulk.plan(ids)
    form = NeededReasonForm(request.POST if sure else None)
    if not sure or not form.is_valid():
        return ask(request, _question(plan, ids), form)
    outcome = bulk.archive(actor_of(request), ids, form.cleaned_data["reason"])
    said = f"{outcome.archived:,} flag{'s' if outcome.archived != 1 else ''} archived."
    left = f" Refused: {' '.join(outcome.refused[:3])}" if outcome.refused else ""
    link = f"{reverse('audit:list')}?action=flag.archive"
    to = f"{reverse('flags:list')}?state=archived"
    return done(request, said + left, to=to, link_url=link, level="warn" if left else "ok")


def _question(plan: bulk.Plan, ids: list[int]) -> Question:
    count = len(plan.flags)
    if not count:
        flag, reason = plan.left[0]
        raise InvalidInput("ids", f"None of these {len(plan.left):,} flags can be archived: {flag.name} {reason}.")
    names = ", ".join(flag.name for flag in plan.flags[:_NAMED])
    more = f" and {count - _NAMED:,} more" if count > _NAMED else ""
    return Question(
        f"Archive {count:,} flag{'s' if count != 1 else ''}?",
        action=reverse("flags:bulk"),
        back=reverse("flags:list"),
        effect=f"Code that still asks for {names}{more} gets its own default, within a second.",
        notes=_notes(plan),
        confirm=f"Archive {count:,}",
        tone="danger",
        hidden=[("sure", "1"), ("chosen", ",".join(map(str, ids)))],
    )


def _notes(plan: bulk.Plan) -> list[str]:
    asked, left = plan.asked, plan.left
    notes = [f"{flag.name} stays: it {reason}." for flag, reason in left[:_NAMED]]
    if len(left) > _NAMED:
        notes.append(f"{len(left) - _NAMED:,} more stay for such reasons.")
    if asked:
        names = ", ".join(asked[:_NAMED])
        notes.insert(0, f"{len(asked):,} of them were asked for in the last 7 days: {names}.")
    return [*notes, "Each can be restored as it was."]


def _chosen(sent: QueryDict) -> list[int]:
    if "all" not in sent:
        return _ids(sent.getlist("ids"))
    query = QueryDict(sent.get("query", ""))
    form = FilterForm(query, queries.tags(), queries.owners())
    wanted = list_rows.filters(form.cleaned_data if form.is_valid() else {})
    return list(queries.flags(state=query.get("state", ""), **wanted).values_list("pk", flat=True)[: bulk.MOST + 1])


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]

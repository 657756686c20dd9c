"""Operations: the question before something is done with them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from incidents.operations import services
from incidents.operations.forms import ActForm, ReasonForm, acted_on
from incidents.operations.preview import Preview, preview
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput
from ops_console.web import Question, ask, done
from ops_console.web.formatting import duration


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest) -> HttpResponse:
    """Ask first, with numbers (whatever is sent without `sure`); then record the intent."""
    sent = request.POST if request.method == "POST" else request.GET
    form = ActForm(sent)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidInput(field, f"{field}: {errors[0]}")
    scope = acted_on(form, sent.getlist("ids"))
    # A moment still to come would make stuck what is not.
    scope = scope.at(min(scope.as_of or timezone.now(), timezone.now()))
    services.check_seen(scope, _seen(form, scope))
    expected = preview(scope, form.cleaned_data["verb"])
    _require_something(expected)
    sure = request.method == "POST" and "sure" in sent
    needed = expected.total > 1 or form.cleaned_data["verb"] == "fail"
    reason = ReasonForm(sent if sure else None, needed=needed)
    if not sure or not reason.is_valid():
        return ask(request, _question(sent, form, scope, expected), reason)
    return _started(request, form, scope, reason.cleaned_data["reason"])


def _seen(form: ActForm, scope: Scope) -> services.Seen:
    """What the page of one operation showed when the operator decided."""
    given = form.cleaned_data
    if scope.ids is None or len(scope.ids) != 1 or not given["seen_status"]:
        return {}
    return {scope.ids[0]: (given["seen_status"], given["seen_version"] or 0)}


def _require_something(expected: Preview) -> None:
    if not expected.total:
        raise InvalidInput("ids", "None of these operations is in this state any more: nothing is left to do.")
    if not expected.eligible:
        reason, number = expected.exclusions[0]
        raise InvalidInput("ids", f"None of the {expected.total:,} can be. {number:,} of them: {reason}")


def _started(request: HttpRequest, form: ActForm, scope: Scope, reason: str) -> HttpResponse:
    action = services.start(actor_of(request), scope, form.cleaned_data["verb"], reason, _seen(form, scope))
    wait = max(round((action.release_at - timezone.now()).total_seconds()), 0)
    return done(
        request,
        f"{action.label}: begins in {duration(wait)}." if wait else f"{action.label}: begins now.",
        to=reverse("operations:action", args=[action.pk]),
        undo_url=reverse("operations:cancel", args=[action.pk]),
        link_url=reverse("operations:action", args=[action.pk]),
    )


def _question(sent: QueryDict, form: ActForm, scope: Scope, expected: Preview) -> Question:
    given, source = form.cleaned_data, source_of(scope.kind)
    fails = given["verb"] == "fail"
    what = source.label if expected.total == 1 else source.plural
    does = f"set to {source.fail_status}, with your reason" if fails else "handed to the backend again, under their ids"
    hidden: list[tuple[str, Any]] = [("sure", "1"), ("as_of", scope.as_of.isoformat() if scope.as_of else "")]
    names = ("verb", "kind", "state", "query", "seen_status", "seen_version")
    hidden += [(name, sent[name]) for name in names if sent.get(name)]
    hidden += [("all", "1")] if given["all"] else [("ids", one) for one in sent.getlist("ids")]
    return Question(
        f"{'Fail' if fails else 'Retry'} {expected.total:,} {what}?",
        action=reverse("operations:act"),
        back=f"{reverse('operations:list')}?{given['query']}",
        effect=f"{expected.eligible:,} of {expected.total:,} will be {does}.",
        notes=_notes(expected, source.caveat),
        confirm=f"{'Fail' if fails else 'Retry'} {expected.eligible:,}",
        tone="danger" if fails else "primary",
        hidden=hidden,
    )


def _notes(expected: Preview, caveat: str) -> list[str]:
    notes = [f"{number:,} left as they are. {reason}" for reason, number in expected.exclusions[:6]]
    if len(expected.exclusions) > 6:
        notes.append(f"{sum(n for _, n in expected.exclusions[6:]):,} left as they are for other reasons.")
    if expected.eligible:
        notes.append("Whatever finishes before then is left alone, and so is what another transaction holds.")
    return [*notes, caveat] if caveat else notes

"""Operations: the question before something is done with them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from incidents.operations import services
from incidents.operations.action_views import end_url
from incidents.operations.forms import ActForm, OptionsForm, acted_on
from incidents.operations.freezing import NOTHING_LEFT
from incidents.operations.models import Verb
from incidents.operations.outbox import is_handled
from incidents.operations.preview import Preview, preview
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES, says_what
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
    _require_something(expected, form.cleaned_data["verb"])
    sure = request.method == "POST" and "sure" in sent
    verb = form.cleaned_data["verb"]
    frees = is_handled(scope.kind, "free")
    chosen = OptionsForm(sent if sure else None, verb=verb, total=expected.total, frees=frees)
    if not sure or not chosen.is_valid():
        return ask(request, _question(sent, form, scope, expected), chosen)
    return _started(request, form, scope, chosen)


def _seen(form: ActForm, scope: Scope) -> services.Seen:
    """What the page of one operation showed when the operator decided."""
    given = form.cleaned_data
    if scope.ids is None or len(scope.ids) != 1 or not given["seen_status"]:
        return {}
    return {scope.ids[0]: (given["seen_status"], given["seen_version"] or 0)}


def _require_something(expected: Preview, verb: str) -> None:
    if not expected.total:
        raise InvalidInput("ids", NOTHING_LEFT)
    if expected.eligible or expected.is_sample:
        return
    (reason, number), done_word = expected.exclusions[0], RULES[Verb(verb)].done
    if expected.total == 1:
        raise InvalidInput("ids", f"This operation can't be {done_word}: {reason}")
    which = "all of them" if number == expected.total else f"{number:,} of them"
    raise InvalidInput("ids", f"None of the {expected.total:,} operations can be {done_word}. For {which}: {reason}")


def _started(request: HttpRequest, form: ActForm, scope: Scope, chosen: OptionsForm) -> HttpResponse:
    verb, reason = form.cleaned_data["verb"], chosen.cleaned_data["reason"]
    action = services.start(actor_of(request), scope, verb, reason, _seen(form, scope), chosen.options())
    if action.state == action.State.FREEZING:
        said = f"{action.label}: preparing the list of operations. You can undo until it starts."
    else:
        wait = max(round((action.release_at - timezone.now()).total_seconds()), 0)
        said = f"{action.label}: begins in {duration(wait)}." if wait else f"{action.label}: begins now."
    return done(
        request,
        said,
        to=reverse("operations:action", args=[action.pk]),
        undo_url=reverse("operations:cancel", args=[action.pk]),
        link_url=reverse("operations:action", args=[action.pk]),
        end_url=end_url(action.pk),
    )


def _question(sent: QueryDict, form: ActForm, scope: Scope, expected: Preview) -> Question:
    given, source = form.cleaned_data, source_of(scope.kind)
    rule = RULES[Verb(given["verb"])]
    what = source.label if expected.total == 1 else source.plural
    hidden: list[tuple[str, Any]] = [("sure", "1"), ("as_of", scope.as_of.isoformat() if scope.as_of else "")]
    names = ("verb", "kind", "state", "query", "seen_status", "seen_version")
    hidden += [(name, sent[name]) for name in names if sent.get(name)]
    hidden += [("all", "1")] if given["all"] else [("ids", one) for one in sent.getlist("ids")]
    return Question(
        f"{rule.does} {expected.total_text} {what}?",
        action=reverse("operations:act"),
        back=f"{reverse('operations:list')}?{given['query']}",
        effect=_effect(expected, says_what(source, given["verb"])),
        notes=[*_breakdown(expected), *_unheard(scope.kind, rule.command), *_notes(expected, source.caveat)],
        confirm=f"{rule.does} {expected.total_text if expected.is_sample else format(expected.eligible, ',')}",
        tone="danger" if rule.danger else "primary",
        hidden=hidden,
    )


def _effect(expected: Preview, what: str) -> str:
    if not expected.is_sample:
        return f"{expected.eligible:,} of {expected.total:,} will be {what}."
    return (
        f"{expected.eligible:,} of the first {expected.judged:,} will be {what}. "
        f"The rest of {expected.total_text} are checked one by one while the action runs."
    )


def _unheard(kind: str, command: str) -> list[str]:
    if not command or is_handled(kind, command):
        return []
    return [f"No backend has accepted {kind}.{command} commands in the last day. They stay pending until one does."]


def _breakdown(expected: Preview) -> list[str]:
    if expected.total < 2:
        return []
    statuses = ", ".join(f"{number:,} {status}" for status, number in expected.statuses)
    first = f"The first {expected.judged:,} affect" if expected.is_sample else "Affects"
    return [f"{first} {expected.users:,} {'user' if expected.users == 1 else 'users'}. By status: {statuses}."]


def _notes(expected: Preview, caveat: str) -> list[str]:
    notes = [f"{number:,} skipped. {reason}" for reason, number in expected.exclusions[:6]]
    if len(expected.exclusions) > 6:
        notes.append(f"{sum(n for _, n in expected.exclusions[6:]):,} skipped for other reasons.")
    if expected.eligible:
        notes.append("Operations that finish first, or that another transaction has locked, are skipped.")
    return [*notes, caveat] if caveat else notes

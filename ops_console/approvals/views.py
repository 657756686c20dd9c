"""Requests that wait for a second person, one request, and the rules."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access.actor import Actor, actor_of
from ops_console.access.forms import refuse
from ops_console.access.middleware import role_required
from ops_console.access.models import User
from ops_console.access.roles import Role, reaches
from ops_console.access.step_up import reauthenticated
from ops_console.approvals import services
from ops_console.approvals.models import SIZED, ApprovalRule, ChangeRequest, Kind
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import Key, Keyset, Question, ask, done, page, tabs

ORDER = Keyset(Key("id", "int", descending=True))
_TABS = [("", "Open"), ("decided", "Decided")]


class NoteForm(forms.Form):
    note = forms.CharField(label="Note", max_length=500, required=False, help_text="Kept in the audit.")


class GlassForm(forms.Form):
    note = forms.CharField(label="Why it cannot wait", max_length=500, help_text="Kept in the audit, and in the alert.")


class RuleForm(forms.Form):
    enabled = forms.BooleanField(required=False, label="Needs a second person")
    threshold = forms.IntegerField(
        min_value=0, max_value=10**15, required=False, label="Above", help_text="Blank: any size."
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, kind: Kind, initial: dict[str, Any]) -> None:
        super().__init__(data, prefix=kind, initial=initial)
        self.kind, self.panel_id = kind, f"approval-rule-{kind}"
        if kind not in SIZED:
            del self.fields["threshold"]


@require_GET
def request_list(request: HttpRequest) -> HttpResponseBase:
    opened = ChangeRequest.objects.filter(state=ChangeRequest.State.OPEN, expires_at__gt=timezone.now())
    decided = request.GET.get("state") == "decided"
    found = ChangeRequest.objects.exclude(pk__in=opened.values("pk")) if decided else opened
    context = {
        "page": ORDER.page(found, request.GET.get("cursor", "")),
        "tabs": tabs(request, _TABS, param="state"),
        "decided": decided,
    }
    return page(request, "approvals/list.html", context)


@require_GET
def request_page(request: HttpRequest, request_id: int) -> HttpResponseBase:
    found = _found(request_id)
    user = cast(User, request.user)
    may = found.is_open and reaches(user.role, found.role)
    own = found.requester_id == user.pk
    return page(request, "approvals/page.html", {"found": found, "may": may, "own": own})


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@reauthenticated
def decide(request: HttpRequest, request_id: int, how: str) -> HttpResponseBase:
    """GET asks, POST decides: approve, reject (or withdraw), or apply without a second person."""
    if how not in _DECISIONS:
        raise NotFound("A request is approved, rejected, or applied without approval.")
    found, decision = _found(request_id), _DECISIONS[how]
    form = decision.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            decided = decision.service(actor_of(request), request_id, form.cleaned_data["note"])
        except InvalidInput as error:
            refuse(form, error)
        else:
            said = f"{decided.get_state_display()}: {decided.summary}"
            level = "bad" if decided.problem else "ok"
            text = f"{said}. {decided.problem}" if decided.problem else f"{said}."
            return done(request, text, to=_page(request_id), level=level)
    question = Question(
        f"{decision.confirm}: {found.summary}?",
        action=request.path,
        back=_page(request_id),
        effect=decision.effect,
        confirm=decision.confirm,
        tone=decision.tone,
    )
    return ask(request, question, form)


class _Decision:
    def __init__(
        self,
        confirm: str,
        effect: str,
        tone: str,
        service: Callable[[Actor, int, str], ChangeRequest],
        form: type[forms.Form] = NoteForm,
    ) -> None:
        self.confirm, self.effect, self.tone, self.service, self.form = confirm, effect, tone, service, form


_DECISIONS = {
    "approve": _Decision(
        "Approve", "The change is made at once, as the person who asked for it.", "primary", services.approve
    ),
    "reject": _Decision("Reject", "Nothing changes.", "danger", services.reject),
    "break-glass": _Decision(
        "Apply without approval",
        "For an emergency: the change is made at once, the request is marked, and an alert tells everybody.",
        "danger",
        services.break_glass,
        GlassForm,
    ),
}


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
@reauthenticated
def rules(request: HttpRequest) -> HttpResponseBase:
    """Which kinds of change need a second person."""
    kept = {rule.pk: rule for rule in ApprovalRule.objects.all()}
    sent = request.POST.get("kind", "") if request.method == "POST" else ""
    shown = []
    for kind in Kind:
        rule = kept.get(kind) or ApprovalRule(pk=kind)
        initial = {"enabled": rule.enabled, "threshold": rule.threshold, "version": rule.version}
        shown.append(RuleForm(request.POST if sent == kind else None, kind=kind, initial=initial))
    form = next((each for each in shown if each.is_bound), None)
    if form is not None and form.is_valid():
        given = form.cleaned_data
        services.set_rule(actor_of(request), form.kind, given["enabled"], given.get("threshold"), given["version"])
        return done(request, f"{form.kind.label}: saved.", to=reverse("approvals:rules"))
    return page(request, "approvals/rules.html", {"rules": shown}, status=422 if request.method == "POST" else 200)


def _found(request_id: int) -> ChangeRequest:
    found = ChangeRequest.objects.filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request.")
    return found


def _page(request_id: int) -> str:
    return reverse("approvals:request", args=[request_id])

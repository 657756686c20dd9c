"""The alerts' pages: current alerts, sent notifications, and the rules."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents.alerts import channels, queries, services
from incidents.alerts.conditions import CONDITIONS
from incidents.alerts.forms import AcknowledgeForm, RuleForm
from incidents.alerts.models import Rule
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import InvalidInput
from ops_console.web import NO_CHANGES, Question, ask, done, page, panel_reader, tabs

_TABS = [("", "Open"), ("firing", "Firing"), ("pending", "Pending"), ("resolved", "Resolved")]


@require_GET
def alert_list(request: HttpRequest) -> HttpResponse:
    with panel_reader() as reader:
        context = {
            "list": reader.panel("", lambda: _list(request)),
            "rules": reader.panel("alert rules", queries.rules),
            "channels": channels.channels(),
            "messages": reader.panel("alert messages", queries.last_messages),
        }
        return page(request, "alerts/list.html", context)


def _list(request: HttpRequest) -> dict[str, Any]:
    found = queries.alerts(request.GET.get("state", ""))
    return {
        "evaluation": queries.evaluation(queries.rules()),
        "tabs": tabs(request, _TABS, queries.counts()),
        "page": queries.ORDER.page(found, request.GET.get("cursor", "")),
    }


@require_GET
def alert_page(request: HttpRequest, alert_id: int) -> HttpResponse:
    alert = queries.alert(alert_id)
    context = {
        "alert": alert,
        "condition": CONDITIONS.get(alert.rule_id),
        "messages_sent": queries.messages_of(alert),
        "entries": last_entries("alert", str(alert.pk), 10),
    }
    return page(request, "alerts/page.html", context)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    alert = queries.alert(alert_id)
    form = AcknowledgeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        question = Question(
            "Acknowledge alert?",
            action=request.path,
            back=reverse("alerts:page", args=[alert.pk]),
            effect=alert.summary,
            notes=["Others see your name beside the alert. It fires until its cause is gone."],
            confirm="Acknowledge",
        )
        return ask(request, question, form)
    services.acknowledge(actor_of(request), alert_id, form.cleaned_data["note"])
    undo = reverse("alerts:release", args=[alert_id])
    return done(request, "Acknowledged.", to=reverse("alerts:page", args=[alert_id]), undo_url=undo)


@require_POST
def release(request: HttpRequest, alert_id: int) -> HttpResponse:
    alert = services.release(actor_of(request), alert_id)
    return done(request, "Acknowledgement withdrawn.", to=reverse("alerts:page", args=[alert.pk]), level="info")


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: HttpRequest, name: str) -> HttpResponse:
    rule = queries.rule(name)
    if request.method != "POST":
        return _rule_page(request, rule, RuleForm(instance=rule, initial={"version": rule.version}))
    form = RuleForm(request.POST, instance=queries.rule(name))
    if not form.is_valid():
        return _rule_page(request, rule, form)
    given = form.cleaned_data
    try:
        edited = services.edit_rule(actor_of(request), name, given, given["version"], given["reason"])
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _rule_page(request, rule, form)
    if edited.version == given["version"]:
        return done(request, NO_CHANGES, to=reverse("alerts:list"), level="info")
    return done(request, f"{CONDITIONS[name].title}: saved.", to=reverse("alerts:list"))


def _rule_page(request: HttpRequest, rule: Rule, form: RuleForm) -> HttpResponse:
    context = {
        "rule": rule,
        "condition": CONDITIONS[rule.name],
        "told": CONDITIONS[rule.name].told(rule.limit),
        "form": form,
        "entries": last_entries("alert_rule", rule.name, 10),
    }
    return page(request, "alerts/rule.html", context, status=422 if form.errors else 200)

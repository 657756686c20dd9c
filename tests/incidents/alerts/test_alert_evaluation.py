"""Looking at the conditions: what fires, what is told, and to whom, on a real database."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.core import mail
from django.db import OperationalError
from django.utils import timezone

from incidents.alerts import channels, conditions, evaluation, messages, queries
from incidents.alerts.conditions import CONDITIONS, Found, Unknown
from incidents.alerts.evaluation import evaluate_all, make_rules
from incidents.alerts.models import Alert, Message, Rule
from incidents.alerts.queries import is_evaluated
from incidents.alerts.services import edit_rule
from incidents.alerts.tasks import look
from incidents.breakers.models import Breaker, Status
from incidents.operations import counting
from incidents.operations.counting import Count
from incidents.sweep.models import Run
from ops_console.access.roles import Role
from ops_console.contract.models import Instance
from ops_console.contract.services import remove_lost
from ops_console.errors import ConsoleError, NotFound
from tests import database
from tests.incidents.operations.tracked_rows import make_tracked
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db


def close(breaker):
    Breaker.objects.filter(pk=breaker.pk).update(status=Status.CLOSED, since=timezone.now())


def at(seconds):
    moment = timezone.now() + timedelta(seconds=seconds)
    return lambda: moment


def open_alerts():
    return {alert.subject: alert.state for alert in Alert.objects.exclude(state="resolved").filter(rule="breaker_open")}


def test_every_condition_has_its_rule_once():
    """Rules are made from the conditions at the first look, and what an admin changed is left alone."""
    make_rules()
    Rule.objects.filter(pk="breaker_open").update(limit=7)
    make_rules()
    assert set(Rule.objects.values_list("name", flat=True)) == set(CONDITIONS)
    assert Rule.objects.get(pk="breaker_open").limit == 7


def test_a_breaker_that_stays_open_is_told_once_and_then_over(open_breaker, mailbox):
    """It fires with one message, stays silent while it lasts, and one message says that it is over."""
    breaker = open_breaker(seconds=600)
    evaluate_all()
    evaluate_all()
    messages.send_due(mailbox.send)
    close(breaker)
    evaluate_all(at(3600))
    Message.objects.filter(state="queued").update(due_at=timezone.now())
    messages.send_due(mailbox.send)
    titles = [title for _, title, _ in mailbox.taken]
    assert titles == ["[test] Breaker open too long (gemini)", "[test] Resolved: Breaker open too long (gemini)"]
    assert "https://console.example/breakers/gemini/" in mailbox.taken[0][2]
    assert Alert.objects.get().state == "resolved"


def test_one_that_is_open_for_a_short_while_is_nobodys_business(open_breaker):
    """Below the limit nothing is pending and nobody is told."""
    open_breaker(seconds=10)
    evaluate_all()
    assert not Alert.objects.exists()


def test_each_breaker_is_an_alert_of_its_own(open_breaker):
    """Two providers that fail are two alerts, each over by itself."""
    open_breaker("gemini")
    second = open_breaker("gcs")
    evaluate_all()
    close(second)
    evaluate_all(at(3600))
    assert open_alerts() == {"gemini": "firing"}


def test_a_rule_may_wait_before_it_fires(open_breaker):
    """With `for` it is pending first, and gone without a word when the breaker closes in time."""
    make_rules()
    Rule.objects.filter(pk="breaker_open").update(for_seconds=300)
    breaker = open_breaker()
    evaluate_all()
    assert open_alerts() == {"gemini": "pending"}
    close(breaker)
    evaluate_all()
    assert not Alert.objects.exists()
    assert not Message.objects.exists()


def test_no_data_is_said_and_changes_nothing():
    """While no backend has ever reported, a silent fleet is neither seen nor gone, and the rule says so."""
    evaluate_all()
    rule = Rule.objects.get(pk="workers_silent")
    assert "No backend has reported" in rule.no_data
    assert rule.looked_at is not None


def test_a_silent_fleet_is_one_alert_a_service():
    """A service whose processes are all silent fires; one of which a process lives does not."""
    for service, seconds in (("api", 600), ("api", 900), ("worker", 600), ("worker", 1)):
        process(service, seconds)
    assert silent_services() == ["api"]


def test_a_clean_stop_is_no_silent_fleet():
    """A service whose processes all ended cleanly does not fire, nor does a crash that a later start has replaced."""
    process("stopped", 600, ended_as="closed")
    process("replaced", 900, ended_as="crashed")
    process("replaced", 600, started=800, ended_as="closed")
    assert silent_services() == []


def test_a_process_that_outlived_none_still_counts():
    """One process fell silent, and another that ran beside it ended cleanly: nobody replaced the first."""
    process("api", 900)
    process("api", 600, ended_as="closed")
    process("crashed", 600, ended_as="crashed")
    assert silent_services() == ["api", "crashed"]
    assert "is silent" in Alert.objects.get(subject="api").summary
    assert "gone without a clean end" in Alert.objects.get(subject="crashed").summary


def process(service: str, seconds: float, started: float = 3600, **values: object) -> None:
    now = timezone.now()
    Instance.objects.create(
        id=uuid4(),
        service=service,
        kind="backend",
        host="h",
        pid=1,
        started_at=now - timedelta(seconds=started),
        seen_at=now - timedelta(seconds=seconds),
        **values,
    )


def silent_services() -> list[str]:
    evaluate_all()
    return list(Alert.objects.filter(rule="workers_silent").order_by("subject").values_list("subject", flat=True))


def test_a_mass_stop_is_told_until_a_sweep_finds_it_over():
    """A sweep that failed nothing because too much was stuck at once fires; the next one that is none ends it."""
    run = {"kind": "episode_assembly", "dead": 4_000, "suspected": 0, "most": 100}
    Run.objects.create(**run, result=Run.Result.MASS_STOP, detail="All workers have gone silent.")
    evaluate_all()
    (alert,) = Alert.objects.filter(rule="mass_stop")
    assert (alert.subject, alert.state, alert.value) == ("episode_assembly", "firing", 4_000)
    assert "before 4,000 operations" in alert.summary
    Run.objects.create(**{**run, "dead": 2}, result=Run.Result.DRY_RUN)
    evaluate_all(at(3600))
    assert not Alert.objects.filter(rule="mass_stop").exclude(state="resolved").exists()


def test_a_rule_that_is_off_is_not_looked_at(open_breaker):
    """Nothing fires, and nothing says that it was looked at."""
    make_rules()
    Rule.objects.filter(pk="breaker_open").update(enabled=False)
    open_breaker()
    evaluate_all()
    assert not Alert.objects.exists()


def test_disabling_a_rule_closes_what_it_fires(open_breaker, mailbox):
    """Nobody evaluates the rule any more: its alerts are closed, with the reason, and whoever was told hears of it."""
    open_breaker("gemini")
    evaluate_all()
    messages.send_due(mailbox.send)
    edit_rule(actor(Role.ADMIN), "breaker_open", {"enabled": False}, version=1)
    alert = Alert.objects.get()
    assert (alert.state, alert.closed_because) == ("resolved", "The rule was disabled by alice.")
    messages.send_due(mailbox.send)
    (_, title, body) = mailbox.taken[-1]
    assert title == "[test] Closed: Breaker open too long (gemini)"
    assert "disabled by alice" in body and "no longer checked" in body
    evaluate_all()
    assert Alert.objects.count() == 1
    edit_rule(actor(Role.ADMIN), "breaker_open", {"enabled": True}, version=2)
    evaluate_all()
    assert open_alerts() == {"gemini": "firing"}


def test_disabling_a_rule_drops_what_is_pending(open_breaker):
    """What never fired is forgotten without a message."""
    make_rules()
    Rule.objects.filter(pk="breaker_open").update(for_seconds=300)
    open_breaker()
    evaluate_all()
    edit_rule(actor(Role.ADMIN), "breaker_open", {"enabled": False}, version=1)
    assert not Alert.objects.exists() and not Message.objects.exists()


@pytest.mark.parametrize("change", [{"enabled": False}, {"name": "of_an_older_version"}], ids=["disabled", "unknown"])
def test_a_rule_that_is_not_evaluated_leaves_no_alert_firing(open_breaker, change):
    """However it was disabled, and where its condition no longer exists, the next evaluation closes its alerts."""
    open_breaker()
    evaluate_all()
    rule = Rule.objects.get(pk="breaker_open")
    rule.name, rule.enabled = change.get("name", rule.name), change.get("enabled", True)
    rule.save()
    Alert.objects.update(rule=rule)
    evaluate_all(at(1))
    assert "rule" in Alert.objects.filter(rule=rule).get().closed_because
    assert not Alert.objects.filter(rule=rule).exclude(state="resolved").exists()


def test_a_rule_disabled_during_the_evaluation_fires_nothing(open_breaker, monkeypatch):
    """The evaluation takes a moment; what an admin decided in it counts."""
    make_rules()
    open_breaker()

    def look(limit):
        Rule.objects.filter(pk="breaker_open").update(enabled=False)
        yield Found("gemini", 1, "Open.", "")

    monkeypatch.setitem(CONDITIONS, "breaker_open", replace(CONDITIONS["breaker_open"], look=look))
    evaluate_all()
    assert not Alert.objects.exists()


@pytest.mark.parametrize("error", [KeyError("x"), OperationalError("timeout"), NotFound("no such kind")])
def test_one_condition_that_fails_stops_no_other(open_breaker, monkeypatch, error):
    """Whatever one rule's condition raises, the others are evaluated, and it has no data."""
    break_rule(monkeypatch, error)
    open_breaker()
    evaluate_all()
    assert open_alerts() == {"gemini": "firing"}
    assert str(error).strip("'") in Rule.objects.get(pk="dead_letters").no_data


def break_rule(monkeypatch, error):
    def look(limit):
        raise error
        yield

    monkeypatch.setitem(CONDITIONS, "dead_letters", replace(CONDITIONS["dead_letters"], look=look))


def failures():
    return list(Alert.objects.filter(rule="rule_failed").values_list("subject", "state", "summary"))


def test_a_rule_that_cannot_be_evaluated_is_an_alert_until_it_can(monkeypatch, mailbox):
    """It names the rule and the error, without what is secret, and is resolved after the rule could be evaluated."""
    with monkeypatch.context() as patched:
        break_rule(patched, RuntimeError("no answer from postgresql://ops:hunter2@db/podcast, token=abc123"))
        evaluate_all()
    ((subject, state, summary),) = failures()
    assert (subject, state) == ("dead_letters", "firing")
    assert summary.startswith("The rule Commands failed cannot be evaluated: RuntimeError: no answer from")
    messages.send_due(mailbox.send)
    sent = " ".join(" ".join(map(str, each)) for each in mailbox.taken)
    shown = signed_in(Role.VIEWER).get("/alerts/").content.decode()
    assert "Rule cannot be evaluated" in sent and "cannot be evaluated: RuntimeError" in shown
    assert not any(secret in text for secret in ("hunter2", "abc123") for text in (summary, sent, shown))
    evaluate_all(at(3600))
    assert [state for _, state, _ in failures()] == ["resolved"]


def test_alerts_that_cannot_be_updated_are_an_alert_too(open_breaker, monkeypatch):
    """What fails after the condition was read is told as well, and the rule counts as evaluated."""
    open_breaker()
    real = evaluation.messages.write

    def write(alert, event, now):
        if alert.rule_id == "breaker_open":
            raise ValueError("no such channel")
        real(alert, event, now)

    monkeypatch.setattr(evaluation.messages, "write", write)
    evaluate_all()
    assert [subject for subject, _, _ in failures()] == ["breaker_open"]
    assert is_evaluated() and Rule.objects.get(pk="breaker_open").looked_at


def test_no_data_is_no_failure():
    """A rule of which nothing is known yet can be evaluated."""
    evaluate_all()
    assert Rule.objects.get(pk="workers_silent").no_data and not failures()


def test_a_loop_that_stands_is_noticed_by_the_databases_clock(monkeypatch):
    """Neither a clock of a worker that is ahead nor one of a web process that is behind makes it look well."""
    evaluate_all()
    assert is_evaluated()
    Rule.objects.update(looked_at=timezone.now() - timedelta(minutes=2))
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.now(UTC) - timedelta(minutes=2))
    assert not is_evaluated()
    assert queries.firing().evaluation.is_late


def test_what_could_not_be_judged_stays_as_it_is(monkeypatch):
    """A kind that could not be counted is neither seen nor gone; the others are."""
    found = {"a": Found("a", 200, "200 are stuck.", ""), "b": Found("b", 300, "300 are stuck.", "")}
    looks = iter([[found["a"], found["b"]], [Unknown("a", "a: not counted in time.")]])
    condition = replace(CONDITIONS["stuck_operations"], look=lambda limit: iter(next(looks)))
    monkeypatch.setitem(CONDITIONS, "stuck_operations", condition)
    evaluate_all()
    evaluate_all(at(3600))
    states = dict(Alert.objects.filter(rule="stuck_operations").values_list("subject", "state"))
    assert states == {"a": "firing", "b": "resolved"}
    assert Rule.objects.get(pk="stuck_operations").no_data == "a: not counted in time."


def test_alerts_of_one_rule_are_bounded(open_breaker):
    """A hundred are listed, and one says how many more there are; a long name costs its link and nothing else."""
    for number in range(103):
        open_breaker(f"p{number:03}" + "\N{SNOWMAN}" * 90)
    evaluate_all()
    evaluate_all(at(1))
    alerts = Alert.objects.filter(rule="breaker_open")
    assert alerts.count() == 101 and {alert.url for alert in alerts} == {""}
    assert "3 more than the 100" in alerts.get(subject="(more)").summary


def test_resolved_never_overtakes_fired(open_breaker, mailbox):
    """While "fired" is retried or being sent, "resolved" waits, on its channel; then both come in order."""
    breaker = open_breaker()
    evaluate_all()
    mailbox.refuses = True
    messages.send_due(mailbox.send)
    close(breaker)
    evaluate_all(at(3600))
    mailbox.refuses = False
    Message.objects.filter(event="resolved").update(due_at=timezone.now())
    assert messages.send_due(mailbox.send) == 0
    Message.objects.filter(event="fired").update(due_at=timezone.now())
    assert messages.send_due(mailbox.send) == 2
    assert [title.split("] ")[1].split(":")[0] for _, title, _ in mailbox.taken] == [
        "Breaker open too long (gemini)",
        "Resolved",
    ]


def test_a_late_end_does_not_follow_the_next_start(open_breaker, mailbox):
    """The end of one alert is sent before the start of the next of the same thing, though its first attempt failed."""
    breaker = open_breaker()
    evaluate_all()
    messages.send_due(mailbox.send)
    close(breaker)
    evaluate_all(at(3600))
    mailbox.refuses = True
    Message.objects.filter(state="queued").update(due_at=timezone.now())
    messages.send_due(mailbox.send)
    mailbox.refuses = False
    Breaker.objects.update(status=Status.OPEN, since=timezone.now() - timedelta(seconds=600))
    evaluate_all()
    assert messages.send_due(mailbox.send) == 0
    Message.objects.filter(state="queued").update(due_at=timezone.now())
    messages.send_due(mailbox.send)
    assert ["Resolved" in title for _, title, _ in mailbox.taken] == [False, True, False]


def test_a_fleet_that_is_silent_for_days_goes_on_firing():
    """It is not resolved after a day; it is when an operator removes the lost processes."""
    process("api", 600)
    assert silent_services() == ["api"]
    Instance.objects.update(seen_at=timezone.now() - timedelta(days=3), started_at=timezone.now() - timedelta(days=4))
    evaluate_all(at(3600))
    assert Alert.objects.get(rule="workers_silent").state == "firing"
    remove_lost(actor(), "api", "backend")
    process("other", 1)
    evaluate_all(at(7200))
    assert Alert.objects.get(rule="workers_silent").state == "resolved"


def test_stuck_operations_fire_by_kind():
    """More than the limit of one kind are stuck: the alert counts them and leads to their list."""
    for number in range(4):
        make_tracked(f"render-{number}", kind="render", silent_seconds=3600)
    make_rules()
    Rule.objects.filter(pk="stuck_operations").update(limit=3)
    evaluate_all()
    (alert,) = Alert.objects.filter(rule="stuck_operations")
    assert (alert.subject, alert.value, alert.summary) == ("render", 4, "4 operations of render are stuck.")
    assert alert.url == "/operations/?kind=render"
    Rule.objects.filter(pk="stuck_operations").update(limit=4)
    evaluate_all(at(3600))
    assert Alert.objects.get(rule="stuck_operations").state == "resolved"


def test_a_limit_beyond_what_lists_count_can_be_passed(monkeypatch):
    """A rule's limit may be above the number at which a list stops counting."""
    monkeypatch.setattr(counting, "CAP", 2)
    monkeypatch.setattr(conditions, "CAP", 2)
    for number in range(4):
        make_tracked(f"render-{number}", kind="render", silent_seconds=3600)
    make_rules()
    Rule.objects.filter(pk="stuck_operations").update(limit=3)
    evaluate_all()
    assert Alert.objects.get(rule="stuck_operations").value == 4


def test_a_count_that_is_not_finished_in_time_is_no_data(monkeypatch):
    """No number is neither zero nor more than the limit."""
    monkeypatch.setattr(conditions, "count", lambda scope, cap: Count(None, False, None))
    evaluate_all()
    assert "not counted in time" in Rule.objects.get(pk="stuck_operations").no_data
    assert not Alert.objects.filter(rule="stuck_operations").exists()


def test_quiet_hours_hold_a_message_back(open_breaker, mailbox):
    """The alert fires and is shown; its message waits for the end of the quiet hours."""
    make_rules()
    begin = (timezone.now() - timedelta(hours=1)).time().replace(microsecond=0)
    end = (timezone.now() + timedelta(hours=2)).time().replace(microsecond=0)
    Rule.objects.filter(pk="breaker_open").update(quiet_from=begin, quiet_until=end)
    open_breaker()
    evaluate_all()
    messages.send_due(mailbox.send)
    assert (open_alerts(), mailbox.taken) == ({"gemini": "firing"}, [])
    assert Message.objects.get().due_at > timezone.now() + timedelta(hours=1)


def test_what_was_over_before_the_quiet_hours_were_is_not_told(open_breaker, mailbox):
    """In the morning nobody hears of a night's alert that is over, nor that it is over; both say why."""
    make_rules()
    Rule.objects.filter(pk="breaker_open").update(quiet_from=time(0), quiet_until=time(23, 59, 59))
    breaker = open_breaker()
    evaluate_all()
    close(breaker)
    evaluate_all(at(600))
    Message.objects.update(due_at=timezone.now(), created_at=timezone.now() - timedelta(hours=8))
    messages.send_due(mailbox.send)
    assert mailbox.taken == []
    assert set(Message.objects.values_list("state", flat=True)) == {"dropped"}
    assert all(Message.objects.values_list("error", flat=True))


def test_a_channel_that_refuses_is_tried_again_and_then_given_up(open_breaker, mailbox):
    """Each try waits longer; after the last one the message has failed, and says so. No secret is kept."""
    open_breaker()
    evaluate_all()
    mailbox.fails = True
    waits = []
    for _ in range(messages.MOST_ATTEMPTS):
        Message.objects.update(due_at=timezone.now())
        messages.send_due(mailbox.send)
        waits.append((Message.objects.get().due_at - timezone.now()).total_seconds())
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("failed", messages.MOST_ATTEMPTS)
    assert waits[3] > waits[0]
    assert "secret" not in message.error


def test_a_message_that_is_being_sent_is_nobody_elses(open_breaker, mailbox):
    """A second worker that looks while the first one sends finds nothing to send."""
    open_breaker()
    evaluate_all()

    def send(number, title, body):
        assert messages.send_due(mailbox.send) == 0
        return mailbox.send(number, title, body)

    assert messages.send_due(send) == 1
    assert len(mailbox.taken) == 1


def test_by_default_operators_and_admins_get_mail(open_breaker):
    """`people://` is one mail to everybody who can act, by Django's own settings; viewers and leavers get none."""
    person(Role.OPERATOR), person(Role.ADMIN), person(Role.VIEWER)
    left = person(Role.OPERATOR, "left")
    left.is_active = False
    left.save()
    open_breaker()
    evaluate_all()
    assert messages.send_due() == 1
    (sent,) = mail.outbox
    assert (sent.to, sorted(sent.bcc)) == ([], ["alice@example.com", "oscar@example.com"])


@pytest.mark.parametrize("backend", ["console", "dummy"])
def test_without_a_mail_server_nothing_is_called_sent(open_breaker, settings, backend):
    """Mail that went to standard output reached nobody: the message failed, and says which setting is missing."""
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    person(Role.OPERATOR)
    open_breaker(seconds=600)
    evaluate_all()
    assert messages.send_due() == 0
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("failed", 1)
    assert "EMAIL_URL" in message.error


def test_channels_are_shown_without_their_secrets(settings):
    """What is kept and shown of an address is apprise's private form; one that cannot be read is told by its number."""
    settings.ALERT_CHANNELS = ["json://user:hunter2@host.example/path?token=abc", "people://", "nonsense"]
    shown = channels.channels()
    assert "hunter2" not in str(shown)
    assert "abc" not in str(shown)
    assert shown[1] == "mail to operators and admins"
    assert channels.unreadable() == [3]
    assert channels.send(3, "t", "b") is False
    assert channels.send(9, "t", "b") is False


@pytest.mark.django_db(transaction=True)
def test_only_one_looks_at_a_time(open_breaker):
    """While another session looks, this one does not: nothing is seen twice."""
    with psycopg.connect(database.dsn(), autocommit=True) as other, other.transaction():
        other.execute("LOCK TABLE ops.alerts_alert IN SHARE UPDATE EXCLUSIVE MODE")
        open_breaker()
        assert evaluate_all() is False
        assert not Alert.objects.exists()
        make_rules()
        with pytest.raises(ConsoleError, match="Another session holds the lock"):
            look()
    assert look() is True


@pytest.mark.django_db(transaction=True)
def test_no_backend_stops_the_evaluation(backend_dsn):
    """A backend's role can take any advisory lock; the evaluation asks for none."""
    with psycopg.connect(backend_dsn, autocommit=True) as backend:
        backend.execute("SELECT pg_advisory_lock(hashtext('ops.alerts'))")
        assert evaluate_all() is True
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            backend.execute("BEGIN; LOCK TABLE ops.alerts_alert IN ACCESS SHARE MODE")

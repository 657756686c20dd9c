"""Changes that need a second person: which, who may decide, what approval does, and doing without in an emergency."""

from collections.abc import Callable

import pytest

from flags import services as flags
from flags.models import Flag, State
from incidents.alerts.conditions import CONDITIONS
from incidents.operations import services as operations
from incidents.operations.models import Action
from incidents.operations.scope import Scope
from incidents.sweep import services as sweep
from incidents.sweep.models import Arming
from ops_console.access.actor import Actor
from ops_console.access.roles import Role
from ops_console.approvals import services
from ops_console.approvals.models import ApprovalRule, ChangeRequest, Kind
from ops_console.approvals.services import ApprovalRequired
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, ReauthenticationRequired
from quotas import services as quotas
from quotas import settings_services
from quotas.models import Override, Policy, Resource
from tests import podcast
from tests.incidents.operations.conftest import USER, make_episode
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db
STATE = ChangeRequest.State


@pytest.fixture
def flag() -> Flag:
    """A protected flag, with a rule that changes of such need a second person."""
    made = flags.create(actor(), "payments", {"protected": True}, State.RULES)
    rule(Kind.FLAG)
    return made


def rule(kind: Kind, threshold: int | None = None) -> None:
    ApprovalRule.objects.create(kind=kind, enabled=True, threshold=threshold, version=1)


def asked(change: Callable[[], object], by: Actor | None = None) -> ChangeRequest:
    """The request that a change becomes."""
    with pytest.raises(ApprovalRequired) as raised:
        change()
    return services.submit(by or actor(), raised.value.draft)


def turn_on(flag: Flag) -> Callable[[], object]:
    return lambda: flags.set_state(actor(), flag.pk, State.ON, "launch", "payments")


def test_a_covered_change_waits_and_is_made_by_approval(flag: Flag) -> None:
    """Nothing changes before; afterwards the audit names who asked, and who approved."""
    request = asked(turn_on(flag))
    assert Flag.objects.get().version == 1
    assert services.approve(actor(Role.ADMIN), request.pk, "fine").state == STATE.APPLIED
    assert Flag.objects.get().everyone is True
    entry = Entry.objects.get(action="flag.on")
    assert (entry.actor, entry.credential, entry.reason) == ("oscar", "approved by alice", "launch")
    assert Entry.objects.filter(action="change_request.approve", actor="alice").count() == 1


def test_nobody_approves_their_own(flag: Flag) -> None:
    """Nor does a program, a viewer, or somebody whose sign-in is old."""
    request = asked(turn_on(flag))
    alice = actor(Role.ADMIN)
    for who, error in (
        (actor(), NotAllowed),
        (actor(Role.VIEWER), NotAllowed),
        (Actor(alice.name, alice.role, "api", alice.user_id), NotAllowed),
        (Actor(alice.name, alice.role, "web", alice.user_id), ReauthenticationRequired),
    ):
        with pytest.raises(error):
            services.approve(who, request.pk)
    assert Flag.objects.get().version == 1


def test_a_request_is_decided_once(flag: Flag) -> None:
    """The second decision, and one after its end, change nothing."""
    request = asked(turn_on(flag))
    services.reject(actor(Role.ADMIN), request.pk, "not today")
    with pytest.raises(Conflict):
        services.approve(actor(Role.ADMIN), request.pk)
    late = asked(lambda: flags.edit(actor(), flag.pk, {"percent": 5}, 1, "x", "payments"))
    ChangeRequest.objects.filter(pk=late.pk).update(expires_at=late.requested_at)
    with pytest.raises(Conflict):
        services.approve(actor(Role.ADMIN), late.pk)
    assert Flag.objects.get().version == 1


def test_whoever_asked_withdraws(flag: Flag) -> None:
    """To say no to one's own request is to withdraw it."""
    assert services.reject(actor(), asked(turn_on(flag)).pk).state == STATE.WITHDRAWN


def test_the_same_request_twice_is_one(flag: Flag) -> None:
    """Two clicks make one row."""
    assert asked(turn_on(flag)).pk == asked(turn_on(flag)).pk


def test_what_has_changed_since_is_not_overwritten(flag: Flag) -> None:
    """The request fails with the reason, and the flag stays as the other person left it."""
    request = asked(turn_on(flag))
    flags.set_state(actor(), flag.pk, State.OFF)
    decided = services.approve(actor(Role.ADMIN), request.pk)
    assert (decided.state, Flag.objects.get().everyone) == (STATE.FAILED, False)
    assert decided.problem


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.VIEWER}])
def test_whoever_may_no_more_gets_nothing_applied(flag: Flag, change: dict[str, object]) -> None:
    """The person who asked is judged as they are now."""
    request = asked(turn_on(flag))
    asker = person(Role.OPERATOR)
    for name, value in change.items():
        setattr(asker, name, value)
    asker.save()
    assert services.approve(actor(Role.ADMIN), request.pk).state == STATE.FAILED
    assert Flag.objects.get().version == 1


def test_turning_off_never_waits(flag: Flag) -> None:
    """A kill switch asks nobody."""
    assert flags.set_state(actor(), flag.pk, State.OFF).everyone is False


def test_an_unprotected_flag_asks_nobody(flag: Flag) -> None:
    """The rule is about protected ones, and about what decides their answer."""
    free = flags.create(actor(), "free", {}, State.RULES)
    assert flags.set_state(actor(), free.pk, State.ON).everyone is True
    base = flags.create(actor(), "base", {}, State.RULES)
    flags.create(actor(), "child", {"protected": True, "prerequisites": [{"flag": "base"}]})
    asked(lambda: flags.set_state(actor(), base.pk, State.ON, "x", "base"))


def test_an_archived_flags_moment_survives_the_wait(flag: Flag) -> None:
    """Moments are text in a request, and moments again when it is applied."""
    request = asked(lambda: flags.archive(actor(), flag.pk, "old", "payments"))
    services.approve(actor(Role.ADMIN), request.pk)
    assert Flag.objects.get().archived_at is not None


def test_breaking_the_glass_needs_a_reason_and_fires_an_alert(flag: Flag) -> None:
    """One person alone: the change is made, marked, in the audit, and found by the alert's condition."""
    request = asked(turn_on(flag))
    with pytest.raises(InvalidInput):
        services.break_glass(actor(), request.pk, "now")
    assert services.break_glass(actor(), request.pk, "payments are down for all").broke_glass
    assert Flag.objects.get().everyone is True
    assert Entry.objects.get(action="flag.on").credential == "without approval, by oscar"
    (found,) = CONDITIONS["break_glass"].look(3600)
    assert "payments are down for all" in found.summary


def test_a_limit_above_the_size_waits() -> None:
    """At the size it does not; no limit at all does. Tiers are held to it as overrides are."""
    user_id = USER
    podcast.add_user(user_id, "maya@example.org", "Maya", "Lindqvist", "pro")
    Resource.objects.create(name="calls", kind="rate", default_limit=10, window_seconds=60, allow_unlimited=True)
    rule(Kind.LIMIT, 100)
    quotas.set_override(actor(), user_id, "calls", quotas.Wanted(100, None, "x"))
    request = asked(lambda: quotas.set_override(actor(), user_id, "calls", quotas.Wanted(101, None, "x", 1)))
    asked(lambda: quotas.set_override(actor(), user_id, "calls", quotas.Wanted(None, None, "x", 1)))
    services.approve(actor(Role.ADMIN), request.pk)
    assert Override.objects.get().limit == 101
    admin = actor(Role.ADMIN)
    tier = asked(lambda: settings_services.set_policy(admin, "pro", "calls", 5000), admin)
    services.approve(actor(Role.ADMIN, "bob"), tier.pk)
    assert Policy.objects.get().limit == 5000


def test_arming_waits_and_disarming_does_not() -> None:
    """An admin asks, another admin approves; an operator cannot."""
    rule(Kind.ARMING)
    admin = actor(Role.ADMIN)
    request = asked(lambda: sweep.arm(admin, "episode_assembly", None, "tested"), admin)
    with pytest.raises(NotAllowed):
        services.approve(actor(), request.pk)
    services.approve(actor(Role.ADMIN, "bob"), request.pk)
    assert Arming.objects.get().armed
    assert not sweep.disarm(actor(), "episode_assembly").armed


def test_a_bulk_above_the_size_waits() -> None:
    """The filter is kept, as of the moment it was asked for; approval starts an ordinary action."""
    for _ in range(5):
        make_episode()
    rule(Kind.BULK, 4)
    scope = Scope(kind="episode_assembly", state="stuck")
    request = asked(lambda: operations.start(actor(), scope, "fail", "stuck since noon"))
    assert not Action.objects.exists()
    services.approve(actor(Role.ADMIN), request.pk)
    assert Action.objects.get().total == 5


def test_to_loosen_a_rule_needs_a_second_person_too() -> None:
    """To tighten it does not."""
    admin, bob = actor(Role.ADMIN), actor(Role.ADMIN, "bob")
    services.set_rule(admin, Kind.LIMIT, True, 100, 0)
    services.set_rule(admin, Kind.LIMIT, True, 50, 1)
    for enabled, threshold in ((False, 50), (True, 60)):
        asked(lambda: services.set_rule(admin, Kind.LIMIT, enabled, threshold, 2), admin)  # noqa: B023
    services.approve(bob, ChangeRequest.objects.order_by("pk").first().pk)
    assert not ApprovalRule.objects.get().enabled


def test_from_the_switch_to_the_approval_in_pages(flag: Flag) -> None:
    """A click becomes a request with its page; a second person's click applies it; own pages say what they may."""
    operator, admin = signed_in(Role.OPERATOR), signed_in(Role.ADMIN)
    form = {"reason": "launch", "typed_name": "payments"}
    sent = operator.post(f"/flags/{flag.pk}/state/on/", form)
    page = sent.headers["Location"]
    assert (sent.status_code, page) == (303, f"/approvals/{ChangeRequest.objects.get().pk}/")
    own = operator.get(page).content.decode()
    assert "Withdraw…" in own
    assert "Approve…" not in own
    assert "payments: change everyone" in admin.get("/approvals/").content.decode()
    assert "Approve: payments: change everyone?" in admin.get(f"{page}approve/").content.decode()
    assert operator.post(f"{page}approve/", {"note": ""}).status_code == 403
    assert admin.post(f"{page}approve/", {"note": "fine"}).status_code == 303
    assert Flag.objects.get().everyone is True
    assert "Decided by" in admin.get(page).content.decode()
    assert "Applied" in admin.get("/approvals/?state=decided").content.decode()


def test_rules_are_set_on_their_page() -> None:
    """Each kind saves for itself; what cannot be is said at its field."""
    admin = signed_in(Role.ADMIN)
    assert admin.get("/approvals/rules/").status_code == 200
    form = {"kind": "bulk", "bulk-enabled": "on", "bulk-threshold": "500", "bulk-version": "0"}
    assert admin.post("/approvals/rules/", form).status_code == 303
    assert ApprovalRule.objects.get().threshold == 500
    assert admin.post("/approvals/rules/", form | {"bulk-threshold": "-1", "bulk-version": "1"}).status_code == 422
    assert signed_in(Role.OPERATOR).get("/approvals/rules/").status_code == 403

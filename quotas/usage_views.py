"""Acts on what a user has used or holds: each asks first, with a reason."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ops_console.access.actor import Actor, actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.directory import Person
from ops_console.web import Question, ask, done
from quotas import services, usage_services
from quotas.forms import ReasonForm

Act = Callable[[Actor, str], object]


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def usage_reset(request: HttpRequest, user_id: str, resource: str) -> HttpResponse:
    person = services.person_of(user_id)
    question = Question(
        f"Reset {resource} of {person.email}?",
        action=request.path,
        back=_page_of(person),
        effect="What was used in the current window or period is forgotten; the limit stays as it is.",
        notes=["Holds from the user's next call on.", "This cannot be undone."],
        confirm="Reset",
    )
    said = f"{resource} of {person.email} was reset."
    return _asked(request, person, question, said, lambda actor, reason: usage_services.reset_usage(
        actor, person.id, resource, reason
    ))  # fmt: skip


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def place_release(request: HttpRequest, user_id: str, resource: str, holder: UUID) -> HttpResponse:
    person = services.person_of(user_id)
    question = Question(
        f"Free a place of {resource}?",
        action=request.path,
        back=_page_of(person),
        effect=f"{person.email} can start one more at once.",
        notes=["Work that holds the place now is not stopped: if it still runs, one more than the limit runs."],
        confirm="Free the place",
        tone="danger",
    )
    return _asked(request, person, question, "The place is free.", lambda actor, reason: usage_services.release_slot(
        actor, person.id, resource, holder, reason
    ))  # fmt: skip


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def room_release(request: HttpRequest, user_id: str, reservation: UUID) -> HttpResponse:
    person = services.person_of(user_id)
    question = Question(
        "Give this room back?",
        action=request.path,
        back=_page_of(person),
        effect="The reservation ends now. What is being stored under it will find it gone when it is done.",
        confirm="Give it back",
        tone="danger",
    )
    return _asked(request, person, question, "The room is free.", lambda actor, reason: (
        usage_services.release_reservation(actor, person.id, reservation, reason)
    ))  # fmt: skip


def _asked(request: HttpRequest, person: Person, question: Question, said: str, act: Act) -> HttpResponse:
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return ask(request, question, form)
    act(actor_of(request), form.cleaned_data["reason"])
    return done(request, said, to=_page_of(person), link_url=f"{reverse('audit:list')}?q={person.id}")


def _page_of(person: Person) -> str:
    return reverse("quotas:user", args=[person.id])

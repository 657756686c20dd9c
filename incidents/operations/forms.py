"""What an operator can say about an action: which operations, what to do, and why."""

from dataclasses import replace

from django import forms
from django.http import QueryDict

from incidents.operations.filters import chosen_kind, scope_of
from incidents.operations.freezing import CANARY_SIZE, Options
from incidents.operations.models import Verb
from incidents.operations.scope import Scope
from incidents.operations.sources import STATES
from incidents.operations.verbs import RULES
from ops_console.audit.services import LONGEST_REASON
from ops_console.errors import InvalidInput
from ops_console.web.moments import MomentField

MOST_IDS = 1000


class ReasonForm(forms.Form):
    """Why. Asked for where many operations or a failure are about to happen."""

    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: object, needed: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["reason"].required = needed
        self.fields["reason"].help_text = "Stored in the audit log and sent to the backend."


def _rate_field() -> forms.FloatField:
    return forms.FloatField(
        label="Max per second", required=False, min_value=0.01, max_value=10_000, help_text="Blank = no limit."
    )


class RateForm(forms.Form):
    """How fast an action goes."""

    rate_per_second = _rate_field()


class OptionsForm(ReasonForm):
    """How an action is to go; what does not fit the verb is not asked."""

    snooze_until = MomentField(label="Until", required=False)
    rate_per_second = _rate_field()
    canary = forms.BooleanField(label="Canary: run 10, then pause", required=False)
    notifies = forms.BooleanField(label="Notify the users (one email per user)", required=False)
    frees = forms.BooleanField(label="Free their resources in the backend after one hour", required=False)

    def __init__(self, *args: object, verb: str, total: int, frees: bool, **kwargs: object) -> None:
        super().__init__(*args, needed=total > 1 or RULES[Verb(verb)].needs_reason, **kwargs)
        dropped = {
            "snooze_until": verb != Verb.SNOOZE,
            "rate_per_second": total == 1,
            "canary": total <= CANARY_SIZE,
            "notifies": verb != Verb.FAIL,
            "frees": verb != Verb.FAIL or not frees,
        }
        self.fields["snooze_until"].required = verb == Verb.SNOOZE
        for name in (name for name, is_dropped in dropped.items() if is_dropped):
            del self.fields[name]
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def options(self) -> Options:
        """What was chosen, of a valid form."""
        chosen = {name: self.cleaned_data[name] for name in self.fields if name != "reason"}
        return Options(**{name: value for name, value in chosen.items() if value not in ("", None)})


class ActForm(forms.Form):
    """Which operations, and what to do: ids one by one, or `all` that match `query`. `as_of` is when they were seen."""

    verb = forms.ChoiceField(choices=[choice for choice in Verb.choices if choice[0] != Verb.TAKE_BACK])
    kind = forms.CharField(required=False, max_length=60)
    state = forms.ChoiceField(choices=[(s, s) for s in (*STATES, "any")], required=False)
    all = forms.BooleanField(required=False)
    query = forms.CharField(required=False, max_length=2000)
    as_of = forms.DateTimeField(required=False)
    seen_status = forms.CharField(required=False, max_length=100)
    seen_version = forms.IntegerField(required=False, min_value=0)


def acted_on(form: ActForm, ids: list[str]) -> Scope:
    """The scope of a valid ActForm. Raises InvalidInput when nothing is chosen, or too much one by one."""
    given = form.cleaned_data
    scope = scope_of(QueryDict(given["query"]))
    if given["all"]:
        if not scope.kind:
            raise InvalidInput("kind", "Choose one kind first: all that match are acted on kind by kind.")
        return replace(scope, as_of=given["as_of"])
    if not ids:
        raise InvalidInput("ids", "Select at least one operation first.")
    if len(ids) > MOST_IDS:
        raise InvalidInput("ids", f"At most {MOST_IDS:,} operations are chosen one by one; use the filter instead.")
    try:
        kind, bare = chosen_kind(ids, given["kind"] or scope.kind)
    except ValueError as error:
        raise InvalidInput("ids", str(error)) from error
    return Scope(kind, given["state"] or scope.state, ids=tuple(bare), as_of=given["as_of"])

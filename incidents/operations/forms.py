"""What an operator can type about operations, and which operations that means."""

from uuid import UUID

from django import forms
from django.http import QueryDict

from incidents.operations.models import Verb
from incidents.operations.scope import Scope
from incidents.operations.sources import DEFAULT_KIND, SOURCES, STATES
from ops_console import directory
from ops_console.audit.services import LONGEST_REASON
from ops_console.errors import InvalidInput

MOST_OWNERS = 200
MOST_IDS = 1000
_AGES = [
    ("", "Any"),
    ("14400", "4 h"),
    ("28800", "8 h"),
    ("86400", "1 day"),
    ("259200", "3 days"),
    ("604800", "7 days"),
]


class FilterForm(forms.Form):
    """The list's filter, in the URL. `owner` is a mail, a name or an id, looked up in the directory."""

    q = forms.CharField(label="Title or id", required=False, max_length=200, widget=forms.TextInput({"type": "search"}))
    owner = forms.CharField(
        label="User", required=False, max_length=200, widget=forms.TextInput({"placeholder": "mail, name or id"})
    )
    age = forms.ChoiceField(label="Silent for over", required=False, choices=_AGES)


class ReasonForm(forms.Form):
    """Why. Asked for where many operations or a failure are about to happen."""

    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: object, needed: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["reason"].required = needed
        self.fields["reason"].help_text = "Kept in the audit, and given to the backend."


class ActForm(forms.Form):
    """Which operations, and what to do: ids one by one, or `all` that match `query`. `as_of` is when they were seen."""

    verb = forms.ChoiceField(choices=Verb.choices)
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in SOURCES], required=False)
    state = forms.ChoiceField(choices=[(s, s) for s in (*STATES, "any")], required=False)
    all = forms.BooleanField(required=False)
    query = forms.CharField(required=False, max_length=2000)
    as_of = forms.DateTimeField(required=False)
    seen_status = forms.CharField(required=False, max_length=100)
    seen_version = forms.IntegerField(required=False, min_value=0)


def scope_of(query: QueryDict) -> Scope:
    """What a list's URL shows. What cannot be read in it is left out, as the list leaves it out."""
    form = FilterForm(query)
    form.is_valid()
    given = form.cleaned_data
    state, kind = query.get("state", ""), query.get("kind", "")
    return Scope(
        kind=kind if kind in SOURCES else DEFAULT_KIND,
        state=state if state in STATES else "stuck",
        older_than_seconds=int(given.get("age") or 0),
        owners=_owners(given.get("owner", "")),
        text=given.get("q", "").strip(),
    )


def acted_on(form: ActForm, ids: list[str]) -> Scope:
    """The scope of a valid ActForm. Raises InvalidInput when nothing is chosen, or too much one by one."""
    given = form.cleaned_data
    scope = scope_of(QueryDict(given["query"]))
    if given["all"]:
        return Scope(**{**vars(scope), "as_of": given["as_of"]})
    if not ids:
        raise InvalidInput("ids", "Select at least one operation first.")
    if len(ids) > MOST_IDS:
        raise InvalidInput("ids", f"At most {MOST_IDS:,} operations are chosen one by one; use the filter instead.")
    return Scope(given["kind"] or scope.kind, given["state"] or scope.state, ids=tuple(ids), as_of=given["as_of"])


def _owners(text: str) -> tuple[str, ...] | None:
    """Ids of the users meant; nobody for a text that finds nobody, None without a text."""
    if not text.strip():
        return None
    if _is_uuid(text.strip()):
        return (text.strip().lower(),)
    return tuple(person.id for person in directory.find(text, limit=MOST_OWNERS))


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False

"""What an operator can type to narrow the list, in the URL, and which operations that means."""

from uuid import UUID

from django import forms
from django.http import QueryDict

from incidents.operations.scope import EVIDENCE, Scope
from incidents.operations.sources import DEFAULT_KIND, STATES, all_sources
from ops_console import directory
from ops_console.errors import InvalidInput
from ops_console.web.moments import MomentField

MOST_OWNERS = 200
_AGES = [
    ("", "Any"),
    ("900", "15 min"),
    ("3600", "1 h"),
    ("14400", "4 h"),
    ("28800", "8 h"),
    ("86400", "1 day"),
    ("259200", "3 days"),
    ("604800", "7 days"),
]


class FilterForm(forms.Form):
    """`owner` is a mail, a name or an id, looked up in the directory. Times without `since_zone` are UTC."""

    rare = ("evidence", "worker", "tier", "attempt", "run", "since", "until", "group")

    q = forms.CharField(
        label="Id, title or mail", required=False, max_length=200, widget=forms.TextInput({"type": "search"})
    )
    kind = forms.ChoiceField(label="Kind", required=False)
    owner = forms.CharField(
        label="User", required=False, max_length=200, widget=forms.TextInput({"placeholder": "mail, name or id"})
    )
    age = forms.ChoiceField(label="Silent for over", required=False, choices=_AGES)
    evidence = forms.ChoiceField(
        label="Evidence", required=False, choices=[("", "Any"), ("dead", "Dead"), ("suspected", "Suspected")]
    )
    worker = forms.CharField(label="Held by", required=False, max_length=200)
    tier = forms.CharField(label="Tier", required=False, max_length=60)
    attempt = forms.IntegerField(label="Attempts from", required=False, min_value=1, max_value=10_000)
    run = forms.IntegerField(label="Action or sweep run", required=False, min_value=1, max_value=2**62)
    since = MomentField(label="From", required=False)
    until = MomentField(label="Until", required=False)
    group = forms.CharField(label="Error group", required=False, max_length=32)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        kinds = [(kind, source.label.capitalize()) for kind, source in all_sources().items()]
        self.fields["kind"].choices = [("", "All kinds"), *kinds]  # type: ignore[attr-defined]


def scope_of(query: QueryDict) -> Scope:
    """What a list's URL shows. A filter that cannot be read raises InvalidInput: without it, more would be meant."""
    form = FilterForm(query)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        raise InvalidInput(name, f"{name}: {errors[0]}")
    given = form.cleaned_data
    state, sort = query.get("state", ""), query.get("sort", "")
    owners, text = _owners(given.get("owner", "")), given.get("q", "").strip()
    if owners is None and (whose := _with_mail(text)):
        owners, text = whose, ""
    return Scope(
        kind=given.get("kind", ""),
        state=state if state in STATES else "stuck",
        older_than_seconds=int(given.get("age") or 0),
        owners=owners,
        text=text,
        text_owners=_by_mail(text),
        evidence=given.get("evidence", "") if given.get("evidence") in EVIDENCE else "",
        worker=given.get("worker", "").strip(),
        run=given.get("run"),
        since=given.get("since"),
        until=given.get("until"),
        group=given.get("group") or None,
        attempts=given.get("attempt") or 0,
        tier=given.get("tier", "").strip(),
        ascending={"since": True, "-since": False}.get(sort),
    )


def chosen_kind(ids: list[str], kind: str) -> tuple[str, list[str]]:
    """Ids as lists post them, `kind/id`, or bare; the kind that all have, and the bare ids. Raises ValueError."""
    known = all_sources()
    split = [one.partition("/") for one in ids]
    pairs = [(a, s, b) if s and a in known else ("", "", f"{a}{s}{b}") for a, s, b in split]
    named = {before for before, _, _ in pairs if before}
    if len(named) > 1:
        raise ValueError(f"These are of several kinds ({', '.join(sorted(named))}): act on one kind at a time.")
    return (named.pop() if named else kind or DEFAULT_KIND), [after for _, _, after in pairs]


def _with_mail(text: str) -> tuple[str, ...] | None:
    """The user whose whole mail it is: then no title is meant, and an index serves what is left."""
    return tuple(person.id for person in directory.named([text]).values()) if "@" in text else None


def _by_mail(text: str) -> tuple[str, ...]:
    """Only what looks like a mail is looked up: a word of a title would find half the users."""
    return _owners(text) or () if "@" in text else ()


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

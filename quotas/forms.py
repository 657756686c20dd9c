"""What people can type about quotas."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from ops_console.errors import InvalidInput
from ops_console.web import RowForm
from ops_console.web.moments import MomentField, MomentInput, exact
from quotas.limits import read_limit, show_limit
from quotas.models import Override, Resource
from quotas.services import LONGEST_REASON, Wanted
from quotas.settings_services import EDITABLE

FOR_GOOD, KEEP, UNTIL = "good", "keep", "until"
_DAYS = {"1": "1 day", "7": "7 days", "30": "30 days"}
DEFAULT_CHOICE = "7"
_ONLY_FOR = {
    "window_seconds": {Resource.Kind.RATE},
    "period": {Resource.Kind.ALLOWANCE},
    "timezone": {Resource.Kind.ALLOWANCE},
    "ttl_seconds": {Resource.Kind.CONCURRENCY, Resource.Kind.STORAGE},
    "cost": {Resource.Kind.RATE, Resource.Kind.ALLOWANCE},
}


class SearchForm(forms.Form):
    q = forms.CharField(
        label="User",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "Mail, id or name"}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))


class LimitField(forms.CharField):
    """A limit as text, since it may be `unlimited` or `50 GB`; cleans to a number, or None for no limit."""

    def __init__(self, resource: Resource, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)
        self.resource = resource

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return read_limit(self.resource, text) if text else None
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error


class OverrideForm(forms.Form):
    """A user's own limit. `version` is the one that was read, 0 for none: a later one means somebody was faster."""

    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    field_order = ("limit", "expiry", "expires_at", "reason", "version")

    def __init__(self, resource: Resource, override: Override | None, data: Any = None) -> None:
        initial: dict[str, Any] = {"expiry": DEFAULT_CHOICE, "version": 0}
        if override:
            initial = {
                "limit": show_limit(resource, override.limit),
                "expiry": KEEP,
                "reason": override.reason,
                "version": override.version,
            }
        super().__init__(data, initial=initial)
        self._kept = override.expires_at if override else None
        self.fields["limit"] = LimitField(resource, label=f"Limit, in {resource.unit}", help_text=limit_help(resource))
        self.fields["expiry"] = forms.ChoiceField(label="Ends", choices=_expiries(override))
        self.fields["expires_at"] = MomentField(
            label="Custom date", required=False, widget=MomentInput({"data-chooses": f"expiry={UNTIL}"})
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """A typed date is what ends it, unless another end was chosen as well: then one of them is a mistake."""
        cleaned = super().clean() or {}
        choice, typed = cleaned.get("expiry"), cleaned.get("expires_at")
        if choice == UNTIL and not typed and "expires_at" not in self.errors:
            self.add_error("expires_at", "Give the date and time at which the override ends.")
        elif typed and choice == self.initial["expiry"]:
            cleaned["expiry"] = UNTIL
        elif typed and choice and choice != UNTIL:
            chosen = dict(self.fields["expiry"].choices)[choice]  # type: ignore[attr-defined]
            self.add_error("expires_at", f"Clear this date, or choose “Custom date” instead of “{chosen}”.")
        return cleaned

    def wanted(self) -> Wanted:
        """What the valid form asks for."""
        given = self.cleaned_data
        return Wanted(given["limit"], self._expires_at(given["expiry"]), given["reason"], given["version"])

    def _expires_at(self, choice: str) -> datetime | None:
        if choice in _DAYS:
            return timezone.now() + timedelta(days=int(choice))
        known: dict[str, datetime | None] = {KEEP: self._kept, UNTIL: self.cleaned_data["expires_at"]}
        return known.get(choice)


class PolicyForm(forms.Form):
    """What a tier may use; `default` takes the policy away."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    field_order = ("limit", "version")

    def __init__(self, resource: Resource, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = LimitField(resource, label=f"Limit, in {resource.unit}", required=False)
        field.help_text = f"{limit_help(resource)} Empty: the resource's default."
        self.fields["limit"] = field
        self.order_fields(self.field_order)

    @property
    def takes_default(self) -> bool:
        """Whether the field was left empty, which is not the same as no limit."""
        return not self.data.get("limit", "").strip()


class ResourceForm(RowForm):
    """What a resource is; `version` is the one that was read. A field that its kind has no use for is not shown."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    class Meta:
        model = Resource
        fields: tuple[str, ...] = EDITABLE
        labels = {
            "window_seconds": "Window, in seconds",
            "timezone": "Time zone",
            "ttl_seconds": "Time to live, in seconds",
            "allow_unlimited": "May have no limit",
            "shadow": "Shadow mode",
            "cost": "Cost of a call",
            "warn_percent": "Near its limit, in %",
            "nearly_percent": "Nearly used up, in %",
            "failure_policy": "Without the database",
            "deadline_ms": "Deadline of the database, in ms",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version  # no field of the model's form
        for name in _ONLY_FOR:
            if self.instance.kind and self.instance.kind not in _ONLY_FOR[name]:
                del self.fields[name]

    def values(self) -> dict[str, Any]:
        """What services take."""
        return {name: value for name, value in self.cleaned_data.items() if name in EDITABLE}


class NewResourceForm(ResourceForm):
    """The same, with the name and the kind, which never change later."""

    class Meta(ResourceForm.Meta):
        fields = ("name", "kind", *EDITABLE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["version"]


def limit_help(resource: Resource) -> str:
    """What can be typed as a limit of this resource."""
    parts = ["A whole number; 0 lets nothing through."]
    if resource.unit == "bytes":
        parts.append("Sizes such as 50 GB too.")
    if resource.unit == "seconds":
        parts.append("Times such as 25 h too.")
    if resource.allow_unlimited:
        parts.append("“unlimited” for no limit.")
    return " ".join(parts)


def _expiries(override: Override | None) -> list[tuple[str, str]]:
    kept = []
    if override:
        until = exact(override.expires_at) if override.expires_at else "never"
        kept = [(KEEP, f"As now: {until}")]
    days = [(number, f"In {label}") for number, label in _DAYS.items()]
    return [*kept, *days, (UNTIL, "Custom date"), (FOR_GOOD, "Never")]

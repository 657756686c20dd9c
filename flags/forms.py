"""What an operator can type about a flag or a segment, beside the editor's rows."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms

from flags.models import Flag, Kind, Segment
from ops_console.audit.services import LONGEST_REASON
from ops_console.web import RowForm
from ops_console.web.moments import MomentField

_MANY_TAGS = 20


class TagsField(forms.CharField):
    """Short texts in one line, with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        tags = list(dict.fromkeys(part.strip() for part in (super().to_python(value) or "").split(",") if part.strip()))
        if len(tags) > _MANY_TAGS or any(len(tag) > 40 for tag in tags):
            raise forms.ValidationError(f"At most {_MANY_TAGS} tags of at most 40 characters each.")
        return tags

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class FilterForm(forms.Form):
    """Everything is optional; a link with any of these is a view of the list."""

    q = forms.CharField(label="Name, note or owner", required=False, widget=forms.TextInput({"type": "search"}))
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "Any"), *Kind.choices])
    tag = forms.ChoiceField(label="Tag", required=False)
    owner = forms.ChoiceField(label="Owner", required=False)

    def __init__(self, data: Any, tags: Mapping[str, int], owners: Sequence[str]) -> None:
        super().__init__(data)
        self._offer("tag", [(tag, f"{tag} ({count})") for tag, count in tags.items()])
        self._offer("owner", [(owner, owner) for owner in owners])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = [("", "Any"), *choices]


class TextForm(forms.Form):
    q = forms.CharField(label="Name or note", required=False, widget=forms.TextInput({"type": "search"}))


class ConfirmForm(forms.Form):
    """The word that a change asks for. A protected thing asks for a reason and its own name, typed."""

    reason = forms.CharField(max_length=LONGEST_REASON, required=False, help_text="Kept in the audit.")
    typed_name = forms.CharField(max_length=100, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, data: Any = None, protected: bool = False, name: str = "", **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.name = name
        if protected:
            self.fields["reason"].required = True
            self.fields["typed_name"].label = f"Type {name} to confirm"
            self.fields["typed_name"].help_text = "It is protected: a change asks for a reason and for its name."
        else:
            del self.fields["typed_name"]

    def clean_typed_name(self) -> str:
        typed: str = self.cleaned_data["typed_name"]
        if typed != self.name:
            raise forms.ValidationError(f"This is not its name. Type {self.name} to change it.")
        return typed


class NeededReasonForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, help_text="Kept in the audit of each.")


class SavedForm(ConfirmForm):
    """What goes along when something is saved. `version` is the one that was read."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class PartForm(RowForm):
    """Some columns of a flag or a segment; it is shown beside a SavedForm."""

    class Meta:
        model = Flag
        fields: list[str] = []

    def values(self) -> dict[str, Any]:
        """What was typed, by column."""
        return {name: self.cleaned_data[name] for name in self.fields}


class AudienceForm(PartForm):
    """Waffle's audience: each lets in whoever it fits, beside the rules. And when the flag can be on at all."""

    on_at = MomentField(label="On at", seconds=True, required=False, help_text="Off before it.")
    off_at = MomentField(label="Off at", seconds=True, required=False, help_text="Off from it on.")

    class Meta(PartForm.Meta):
        fields = ["on_at", "off_at", "percent", "authenticated", "staff", "superusers", "testing", "languages"]
        widgets = {
            "languages": forms.TextInput,
            "percent": forms.NumberInput({"step": "0.01", "min": 0, "max": 100, "inputmode": "decimal"}),
        }
        labels = {
            "percent": "Percent of all users",
            "superusers": "Superusers",
            "staff": "Staff",
            "authenticated": "Everybody who is signed in",
            "testing": "Requests that test it",
        }
        help_texts = {
            "percent": "0 to 100 in steps of 0.01, by user_id. Who is in at 10 is in at 50. Empty: no percentage.",
            "superusers": "",
            "staff": "",
            "authenticated": "",
            "testing": "Requests with the test parameter of this flag.",
            "languages": "Comma-separated, as in en, de.",
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("on_at") and given.get("off_at") and given["off_at"] <= given["on_at"]:
            self.add_error("off_at", "It would never be on: this is not after the time at which it goes on.")
        return given


class SettingsForm(PartForm):
    """Whose it is, what for, and how long."""

    tags = TagsField(required=False, max_length=1000, help_text="Comma-separated, as in player, web.")
    expires_at = MomentField(
        label="To be removed by", seconds=True, required=False, help_text="Past it, the flag is stale."
    )
    runbook_url = forms.URLField(
        label="Runbook", required=False, max_length=500, assume_scheme="https", help_text="What to read before acting."
    )

    class Meta(PartForm.Meta):
        fields = ["note", "owner", "kind", "tags", "runbook_url", "expires_at", "permanent", "protected"]
        widgets = {"note": forms.Textarea({"rows": 2})}
        help_texts = {
            "note": "What it is for, and where it is used.",
            "permanent": "It stays for good, and is never called stale.",
            "protected": "A change asks for a reason and for the typed name; turning it off never does.",
        }


class CopyForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="As the code asks for it.")
    reason = forms.CharField(max_length=500, required=False)


class NewFlagForm(forms.ModelForm):
    name = forms.CharField(max_length=100, help_text="As the code asks for it.")
    tags = TagsField(required=False, max_length=1000, help_text="Comma-separated, as in player, web.")

    class Meta:
        model = Flag
        fields = ["note", "owner", "kind", "tags"]
        widgets = {"note": forms.Textarea({"rows": 2})}
        help_texts = {"note": "What it is for, and where it is used."}

    field_order = ["name", "note", "kind", "owner", "tags"]


class SegmentForm(PartForm):
    class Meta:
        model = Segment
        fields = ["note"]
        widgets = {"note": forms.Textarea({"rows": 2})}
        help_texts = {"note": "Who is meant."}


class NewSegmentForm(SegmentForm):
    """The name is what rules refer to: it is given once."""

    name = forms.CharField(max_length=100, help_text="As rules name it; it stays.")
    field_order = ["name", "note"]

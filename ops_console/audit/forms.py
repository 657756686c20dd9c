"""The audit's filters, as they stand in the URL."""

from django import forms

from ops_console.audit.models import Entry
from ops_console.audit.services import LONGEST_REASON
from ops_console.web.moments import MomentField

VIA = ("web", "api", "admin", "cli", "system", "database")


def _suggested(list_id: str) -> forms.TextInput:
    """A text field with suggestions from the page's `<datalist>` of this id; any other text can be typed."""
    return forms.TextInput({"list": list_id, "autocomplete": "off"})


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, required=False)


class FilterForm(forms.Form):
    """Everything is optional; a link with any of these is a view of the audit."""

    q = forms.CharField(label="Text", max_length=200, required=False, widget=forms.TextInput({"type": "search"}))
    actor = forms.CharField(label="Who", max_length=150, required=False, widget=_suggested("audit-actors"))
    action = forms.CharField(label="Action", max_length=60, required=False, widget=_suggested("audit-actions"))
    target_type = forms.CharField(label="Kind", max_length=60, required=False, widget=_suggested("audit-types"))
    target_id = forms.CharField(label="Id", max_length=200, required=False)
    via = forms.ChoiceField(
        label="Via", required=False, choices=[("", "Any channel"), *((name, name.capitalize()) for name in VIA)]
    )
    source = forms.ChoiceField(label="Source", required=False, choices=[("", "Any"), *Entry.Source.choices])
    since = MomentField(label="From", required=False)
    until = MomentField(label="Until", required=False)
    # "all": look at every entry where the default would be the last days only.
    period = forms.ChoiceField(required=False, choices=[("", ""), ("all", "All")], widget=forms.HiddenInput)

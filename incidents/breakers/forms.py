"""What an operator can order."""

from django import forms

HOUR = 3600
DURATIONS = [
    (15 * 60, "15 minutes"),
    (HOUR, "1 hour"),
    (4 * HOUR, "4 hours"),
    (24 * HOUR, "1 day"),
    (7 * 24 * HOUR, "7 days"),
]


class OverrideForm(forms.Form):
    """`version` is the order that was read; 0 where there never was one."""

    seconds = forms.TypedChoiceField(choices=DURATIONS, coerce=int, initial=HOUR, label="For how long")
    reason = forms.CharField(max_length=500, help_text="Shown on this page and kept in the audit.")
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class FilterForm(forms.Form):
    q = forms.CharField(label="Name", required=False, widget=forms.TextInput({"type": "search"}))

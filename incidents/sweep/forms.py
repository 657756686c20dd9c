"""What an admin says when the sweep is armed."""

from django import forms

from ops_console.audit.services import LONGEST_REASON


class ArmForm(forms.Form):
    """Why, and how many at once are still usual."""

    most = forms.IntegerField(
        label="Max per run",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="If more are stuck, the run is aborted. Blank = five times the usual number, at least 100.",
    )
    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))

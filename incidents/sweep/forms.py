"""What an admin says when the sweep is armed."""

from django import forms

from ops_console.audit.services import LONGEST_REASON


class ArmForm(forms.Form):
    """Why, and how many at once are still usual."""

    most = forms.IntegerField(
        label="Most at once",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="More than this is a mass stop, and nothing is failed. Empty: five times what the last runs found.",
    )
    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2}))

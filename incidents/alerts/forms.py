"""What people can type about alerts."""

from typing import Any

from django import forms

from incidents.alerts.models import Rule
from incidents.alerts.services import BOTH_ENDS, EDITABLE, LONGEST_NOTE
from ops_console.audit.services import LONGEST_REASON
from ops_console.web import RowForm


class AcknowledgeForm(forms.Form):
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea({"rows": 2}),
        help_text="What you know so far; shown beside the alert.",
    )


class RuleForm(RowForm):
    """When a rule speaks. `version` is the one that was read."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reason = forms.CharField(required=False, max_length=LONGEST_REASON, help_text="Kept in the audit.")

    class Meta:
        model = Rule
        fields = EDITABLE
        labels = {
            "enabled": "Enabled (disabling closes its open alerts)",
            "for_seconds": "Fires after, in seconds",
            "keep_firing_seconds": "Resolves after, in seconds",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "timezone": "Time zone of the quiet hours",
            "runbook_url": "Runbook",
        }
        help_texts = {
            "limit": "In the unit that the description above names.",
            "for_seconds": "How long the condition must hold before the alert fires.",
            "keep_firing_seconds": "How long the condition must be gone before the alert resolves.",
            "quiet_from": "No notifications are sent between these times.",
            "timezone": "",
            "runbook_url": "What to read first.",
        }
        widgets = {
            "quiet_from": forms.TimeInput({"type": "time"}),
            "quiet_until": forms.TimeInput({"type": "time"}),
        }

    def clean(self) -> dict[str, Any]:
        """The table's own rule on quiet hours, said beside the field that is missing."""
        cleaned = super().clean()
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until" if cleaned.get("quiet_from") else "quiet_from", BOTH_ENDS)
        return cleaned

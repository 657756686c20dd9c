"""What people can type about many overrides at once."""

from typing import Any

from django import forms

from ops_console.errors import InvalidInput
from ops_console.web.moments import MomentField
from ops_console.web.text_files import TextFile, decode
from quotas.bulk import Asked, read_table
from quotas.models import Resource
from quotas.services import LONGEST_REASON

_REASON_HELP = "Kept with every override and in the audit."


class TableForm(forms.Form):
    """A table, as a file or pasted. `seen` is the fingerprint of the plan that the person has before them."""

    file = forms.FileField(
        required=False,
        label="CSV file",
        help_text="As a spreadsheet saves it: separated by commas, semicolons or tabs; at most 5,000 rows.",
    )
    table = forms.CharField(
        required=False,
        label="Or paste it here",
        strip=False,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono"}),
        help_text="user,resource,limit,expires_at,reason: a user is an id or a mail; a limit is a number, "
        "<code>50 GB</code>, <code>+50%</code>, <code>unlimited</code> or <code>remove</code>. Decimals take a point.",
    )
    reason = forms.CharField(
        required=False, max_length=LONGEST_REASON, help_text=f"For rows without one. {_REASON_HELP}"
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            given = self._text(cleaned)
            cleaned["asked"], cleaned["guessed"] = read_table(given.text), given.guessed
        except InvalidInput as error:
            self.add_error("file" if cleaned.get("file") else "table", error.message.removeprefix("file: "))
        return cleaned

    def _text(self, cleaned: dict[str, Any]) -> TextFile:
        file = cleaned.get("file")
        return decode(file.read(), legacy=True) if file else TextFile(str(cleaned.get("table") or ""))


class ManyForm(forms.Form):
    """One change for many users."""

    users = forms.CharField(
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "class": "mono"}),
        help_text="Ids or mail addresses, one a line.",
    )
    resource = forms.ModelChoiceField(Resource.objects.all(), empty_label=None)
    limit = forms.CharField(max_length=40, initial="+50%", help_text="A number, +50%, unlimited, or remove.")
    expires_at = MomentField(label="Ends", required=False, help_text="Blank: in 7 days.")
    reason = forms.CharField(max_length=LONGEST_REASON, help_text=_REASON_HELP)

    def asked(self) -> list[Asked]:
        """A row a user, as a table would hold them."""
        given = self.cleaned_data
        users = [line.strip().strip(",;") for line in given["users"].splitlines()]
        until = given["expires_at"].isoformat() if given["expires_at"] else ""
        return [
            Asked(number, user, given["resource"].name, given["limit"], until, given["reason"])
            for number, user in enumerate(filter(None, users), 1)
        ]

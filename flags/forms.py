"""What an operator can type about a flag."""

from django import forms

from flags.models import Flag


class FilterForm(forms.Form):
    q = forms.CharField(label="Name, note or owner", required=False, widget=forms.TextInput({"type": "search"}))


class FlagForm(forms.ModelForm):
    """The flag's rules and texts. `version` is the one that was read: a later one means somebody was faster."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reason = forms.CharField(required=False, max_length=500, help_text="Kept in the audit.")

    class Meta:
        model = Flag
        fields = ["percent", "note", "owner", "superusers", "staff", "authenticated", "languages", "testing"]
        widgets = {
            "note": forms.Textarea({"rows": 2}),
            "languages": forms.TextInput,
            "percent": forms.NumberInput({"step": "0.01", "min": 0, "max": 100, "inputmode": "decimal"}),
        }
        labels = {
            "percent": "Percent of users",
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
            "note": "What it is for, and where it is used.",
        }


class NewFlagForm(FlagForm):
    name = forms.CharField(max_length=100, help_text="As the code asks for it.")
    field_order = ["name", "percent", "note", "owner"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        del self.fields["version"], self.fields["reason"]

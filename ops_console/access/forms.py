"""What the Access page asks for."""

from typing import Any, cast

from django import forms
from django.http import QueryDict

from ops_console.access.roles import Role, reaches
from ops_console.access.scopes import SCOPES, role_of
from ops_console.access.services import DEFAULT_GRACE_DAYS, GRACE_DAYS
from ops_console.access.token_services import DAYS, MOST_DAYS
from ops_console.errors import InvalidInput


class InviteForm(forms.Form):
    username = forms.CharField(label="User name", max_length=150, help_text="What the audit calls them.")
    email = forms.EmailField(label="Mail address", max_length=254)
    role = forms.ChoiceField(
        label="Role",
        choices=Role.choices,
        help_text="A viewer reads. An operator acts. An admin also decides who may, and what is allowed.",
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Role.choices)
    reason = forms.CharField(label="Reason", max_length=500, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)


class TokenForm(forms.Form):
    """A token for oneself: no role beyond one's own, and only scopes that the role can use."""

    name = forms.CharField(label="Name", max_length=100, help_text="What uses it, and where. The audit shows it.")
    role = forms.ChoiceField(label="Acts as", help_text="What it may do at most, whatever you may do later.")
    scopes = forms.MultipleChoiceField(label="Scopes", widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label="Expires in (days)", min_value=1, max_value=MOST_DAYS, initial=DAYS)

    def __init__(self, data: QueryDict | None, role: str) -> None:
        super().__init__(data)
        roles = [choice for choice in Role.choices if reaches(role, choice[0])]
        open_to = [(scope, f"{scope}: {words}") for scope, words in SCOPES.items() if reaches(role, role_of(scope))]
        cast(forms.ChoiceField, self.fields["role"]).choices = roles
        cast(forms.ChoiceField, self.fields["scopes"]).choices = open_to


class RevokeForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=500, required=False)


class ReasonForm(forms.Form):
    """A change that needs nothing but a word and the version that was seen."""

    reason = forms.CharField(label="Reason", max_length=500, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)


class RequireSecondFactorForm(forms.Form):
    grace_days = forms.TypedChoiceField(
        label="Grace period",
        coerce=int,
        initial=DEFAULT_GRACE_DAYS,
        choices=[
            (days, "None: block them now" if days == 0 else f"{days} day{'s' * (days > 1)}") for days in GRACE_DAYS
        ],
        help_text="People without a second factor keep their access until it ends.",
    )
    reason = forms.CharField(label="Reason", max_length=500, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)


class PeopleFilterForm(forms.Form):
    """The Access page's filters, as they are in the URL."""

    q = forms.CharField(
        label="Name or mail", max_length=200, required=False, widget=forms.TextInput({"type": "search"})
    )
    role = forms.ChoiceField(label="Role", required=False, choices=[("", "Any"), *Role.choices])


class PasswordForm(forms.Form):
    """A password chosen behind a link, typed twice."""

    password1 = forms.CharField(
        label="Password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="12 characters or more; a sentence is easier to keep than a puzzle.",
    )
    password2 = forms.CharField(
        label="Once more", max_length=256, strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password1") and given.get("password1") != given.get("password2"):
            self.add_error("password2", "The two are not the same.")
        return given


def refuse(form: forms.Form, error: InvalidInput) -> None:
    """Put a service's refusal where it belongs: at its field, or over the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)

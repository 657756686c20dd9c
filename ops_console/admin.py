"""What other packages put into Django's admin and this console does not want there.

Mail addresses, second factors and sessions are cared for on the account's own pages and the Access page (an
authenticator's row holds its secret); waffle's switches and samples are not used: flags are.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import Model
from waffle import get_waffle_sample_model, get_waffle_switch_model

NOT_WANTED: tuple[type[Model], ...] = (
    EmailAddress,
    Authenticator,
    UserSession,
    get_waffle_switch_model(),
    get_waffle_sample_model(),
)


def hide() -> None:
    """Unregister them; packages that registered nothing are no error."""
    for model in NOT_WANTED:
        try:
            admin.site.unregister(model)
        except NotRegistered:
            continue


hide()

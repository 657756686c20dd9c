"""allauth's pages that this console offers, listed one by one: people are invited, and admins hand out resets."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.decorators.http import require_POST

from ops_console.access.own_account import audited, clearing_the_browser, own_sessions
from ops_console.access.step_up import reauthenticated
from ops_console.access.throttle import throttled

urlpatterns = [
    path("login/", throttled(account.login), name="account_login"),
    # Also the way out of a sign-in that waits for its second factor.
    path("logout/", login_not_required(clearing_the_browser(require_POST(account.logout))), name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", throttled(account.reauthenticate), name="account_reauthenticate"),
    path("password/", throttled(audited(account.password_change)), name="account_change_password"),
    path("sessions/", reauthenticated(audited(own_sessions)), name="usersessions_list"),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", throttled(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", throttled(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/app/activate/", audited(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/deactivate/", audited(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("2fa/codes/generate/", audited(recovery.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("2fa/codes/download/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("2fa/keys/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("2fa/keys/add/", audited(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/keys/reauthenticate/", throttled(webauthn.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("2fa/keys/<int:pk>/remove/", audited(webauthn.remove_webauthn), name="mfa_remove_webauthn"),
    path("2fa/keys/<int:pk>/edit/", audited(webauthn.edit_webauthn), name="mfa_edit_webauthn"),
    path("2fa/keys/login/", throttled(webauthn.login_webauthn), name="mfa_login_webauthn"),
]

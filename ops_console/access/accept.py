"""Behind a one-time link: somebody who is not signed in yet chooses a password."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access import links, services
from ops_console.access.actor import client_address
from ops_console.access.forms import PasswordForm, refuse
from ops_console.access.throttle import throttled
from ops_console.errors import InvalidInput
from ops_console.web import go, page

_SESSION_KEY = "one_time_link"


@login_not_required
@never_cache
@require_GET
def open_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Remember which link was opened and go on to an address without its token.

    Of the two addresses, only the second is reloaded, posted to and sent as a Referer, and so ends up in logs.
    """
    request.session[_SESSION_KEY] = links.find(token).pk
    return go(request, reverse("access:accept"))


@login_not_required
@throttled
@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest) -> HttpResponseBase:
    link = links.opened(request.session.get(_SESSION_KEY))
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_password_by_link(
                link.pk, form.cleaned_data["password1"], client_address(request), getattr(request, "id", "")
            )
        except InvalidInput as error:
            refuse(form, error)
        else:
            del request.session[_SESSION_KEY]
            messages.success(request, "Your password is set. Sign in with it.")
            return go(request, reverse("account_login"))
    return page(request, "access/accept.html", {"form": form, "link": link}, status=422 if form.errors else 200)

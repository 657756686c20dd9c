"""The addresses that waffle's own tests ask. `flagged` and `switched` views lead elsewhere where they are off."""

from django.contrib import admin
from django.http import HttpResponseBase
from django.urls import include, path
from waffle.decorators import waffle_flag, waffle_switch

from test_app.views import answered, flag_in_view, flagged_off, flagged_on, switched_off, switched_on


def plain(request: object) -> HttpResponseBase:
    return answered(request)  # type: ignore[arg-type]


def with_args(request: object, some_number: int) -> HttpResponseBase:
    return answered(request, some_number)  # type: ignore[arg-type]


urlpatterns = [
    path("", include("waffle.urls")),
    path("admin/", admin.site.urls),
    path("flag_in_view", flag_in_view),
    path("flag-on", flagged_on),
    path("flag-off", flagged_off),
    path("switch-on", switched_on),
    path("switch-off", switched_off),
    path("foo_view", plain, name="foo_view"),
    path("foo_view_with_args/<int:some_number>/", with_args, name="foo_view_with_args"),
]
for word, decorator in (("flagged", waffle_flag), ("switched", waffle_switch)):
    urlpatterns += [
        path(f"{word}_view_with_valid_redirect", decorator("foo", redirect_to=plain)(answered)),
        path(f"{word}_view_with_valid_url_name", decorator("foo", redirect_to="foo_view")(answered)),
        path(
            f"{word}_view_with_args_with_valid_redirect/<int:some_number>/",
            decorator("foo", redirect_to=with_args)(answered),
        ),
        path(
            f"{word}_view_with_args_with_valid_url_name/<int:some_number>/",
            decorator("foo", redirect_to="foo_view_with_args")(answered),
        ),
        path(f"{word}_view_with_invalid_redirect", decorator("foo", redirect_to="invalid_view")(answered)),
    ]

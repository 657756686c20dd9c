"""The gallery at `/`, beside the console's own addresses."""

from django.urls import include, path

from tests.console.gallery import views

urlpatterns = [
    path("", views.gallery, name="overview"),
    path("confirm", views.confirm, name="confirm"),
    path("undo", views.undo, name="undo"),
    path("api/fail/<what>", views.fail),
    path("fail/<what>", views.fail),
    path("search", views.gallery, name="search"),
    path("accounts/", include("allauth.urls")),
    path("live", include("ops_console.live.urls")),
]

handler400 = "ops_console.web.failures.bad_request"
handler403 = "ops_console.web.failures.forbidden"
handler404 = "ops_console.web.failures.not_found"
handler500 = "ops_console.web.failures.server_error"

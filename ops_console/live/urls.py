"""The address of the event stream: `path("live", include("ops_console.live.urls"))` gives `reverse("live")`."""

from django.urls import path

from ops_console.live.views import stream

urlpatterns = [path("", stream, name="live")]

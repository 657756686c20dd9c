"""The addresses of the event stream and of its status: `path("live", include("ops_console.live.urls"))`."""

from django.urls import path

from ops_console.live.views import status, stream

urlpatterns = [path("", stream, name="live"), path("/status", status, name="live_status")]

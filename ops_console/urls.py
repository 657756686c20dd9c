"""Every address of the console."""

from django.contrib import admin
from django.urls import include, path

from ops_console.api.docs import docs
from ops_console.api.v1 import api
from ops_console.live.views import status as live_status
from ops_console.views.overview import overview
from ops_console.views.search import search, suggestions
from ops_console.views.system import process_remove, service_remove_lost, system

urlpatterns = [
    path("", overview, name="overview"),
    path("search/", search, name="search"),
    path("search/suggestions/", suggestions, name="search_suggestions"),
    path("system/", system, name="system"),
    path("system/processes/<uuid:process_id>/remove/", process_remove, name="process_remove"),
    path("system/services/<str:kind>/<path:service>/remove-lost/", service_remove_lost, name="service_remove_lost"),
    path("accounts/", include("ops_console.access.account_urls")),
    path("access/", include("ops_console.access.urls")),
    path("approvals/", include("ops_console.approvals.urls")),
    path("audit/", include("ops_console.audit.urls")),
    path("admin/", admin.site.urls),
    path("live", include("ops_console.live.urls")),
    path("live/status", live_status, name="live_status"),
    path("api/v1/docs", docs, name="api_docs"),
    path("api/v1/", api.urls),
    path("flags/", include("flags.urls")),
    path("quotas/", include("quotas.urls")),
    path("breakers/", include("incidents.breakers.urls")),
    path("operations/", include("incidents.operations.urls")),
    path("sweep/", include("incidents.sweep.urls")),
    path("alerts/", include("incidents.alerts.urls")),
]

handler400 = "ops_console.web.failures.bad_request"
handler403 = "ops_console.web.failures.forbidden"
handler404 = "ops_console.web.failures.not_found"
handler500 = "ops_console.web.failures.server_error"

from django.urls import path

from quotas import bulk_views, settings_views, views

app_name = "quotas"
urlpatterns = [
    path("", views.user_list, name="list"),
    path("users/<str:user_id>/", views.user_page, name="user"),
    path("users/<str:user_id>/<slug:resource>/", views.override_edit, name="override"),
    path("users/<str:user_id>/<slug:resource>/remove/<int:version>/", views.override_remove, name="remove"),
    path("overrides/<int:override_id>/restore/", views.override_restore, name="restore"),
    path("overrides/export/", bulk_views.overrides_export, name="export"),
    path("overrides/import/", bulk_views.overrides_import, name="import"),
    path("overrides/many/", bulk_views.overrides_many, name="many"),
    path("tiers/", settings_views.tier_list, name="tiers"),
    path("tiers/<str:tier>/<slug:resource>/", settings_views.policy_edit, name="policy"),
    path("resources/", settings_views.resource_list, name="resources"),
    path("resources/new/", settings_views.resource_new, name="resource-new"),
    path("resources/<slug:name>/", settings_views.resource_edit, name="resource"),
]

from django.urls import path, register_converter

from quotas import bulk_views, policy_views, settings_views, storage_views, usage_views, views
from quotas.converters import TextConverter

register_converter(TextConverter, "text")

app_name = "quotas"
urlpatterns = [
    path("", views.user_list, name="list"),
    path("users/<text:user_id>/", views.user_page, name="user"),
    path("users/<text:user_id>/<slug:resource>/", views.override_edit, name="override"),
    path("users/<text:user_id>/<slug:resource>/remove/<int:version>/", views.override_remove, name="remove"),
    path("users/<text:user_id>/<slug:resource>/reset/", usage_views.usage_reset, name="reset"),
    path("users/<text:user_id>/<slug:resource>/places/<uuid:holder>/", usage_views.place_release, name="place"),
    path("users/<text:user_id>/<slug:resource>/recount/", storage_views.user_recount, name="recount"),
    path("users/<text:user_id>/<slug:resource>/correct/", storage_views.level_correct, name="correct"),
    path("users/<text:user_id>/rooms/<uuid:reservation>/", usage_views.room_release, name="room"),
    path("overrides/<int:override_id>/restore/", views.override_restore, name="restore"),
    path("overrides/export/", bulk_views.overrides_export, name="export"),
    path("overrides/import/", bulk_views.overrides_import, name="import"),
    path("overrides/many/", bulk_views.overrides_many, name="many"),
    path("storage/", storage_views.drift_list, name="drifts"),
    path("storage/<slug:resource>/recount/", storage_views.everybody_recount, name="recount-all"),
    path("tiers/", settings_views.tier_list, name="tiers"),
    path("tiers/<text:tier>/<slug:resource>/", policy_views.policy_edit, name="policy"),
    path("resources/", settings_views.resource_list, name="resources"),
    path("resources/new/", settings_views.resource_new, name="resource-new"),
    path("resources/<slug:name>/", settings_views.resource_edit, name="resource"),
]

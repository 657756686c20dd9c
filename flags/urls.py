from django.urls import path

from flags.views import bulk, history, listing, overview, rules, segments, settings, state, variants, why

app_name = "flags"
urlpatterns = [
    path("", listing.flag_list, name="list"),
    path("new/", listing.flag_new, name="new"),
    path("bulk/", bulk.flags_bulk, name="bulk"),
    path("undefined/", listing.undefined_list, name="undefined"),
    path("segments/", segments.segment_list, name="segments"),
    path("segments/new/", segments.segment_new, name="segment-new"),
    path("segments/<int:segment_id>/", segments.segment_page, name="segment"),
    path("segments/<int:segment_id>/delete/", segments.segment_delete, name="segment-delete"),
    path("<int:flag_id>/", overview.flag_page, name="page"),
    path("<int:flag_id>/reach/", overview.flag_reach, name="reach"),
    path("<int:flag_id>/rules/", rules.flag_rules, name="rules"),
    path("<int:flag_id>/variants/", variants.flag_variants, name="variants"),
    path("<int:flag_id>/settings/", settings.flag_settings, name="settings"),
    path("<int:flag_id>/why/", why.flag_why, name="why"),
    path("<int:flag_id>/history/", history.flag_history, name="history"),
    path("<int:flag_id>/revert/<int:entry_id>/", history.flag_revert, name="revert"),
    path("<int:flag_id>/state/<str:state>/", state.flag_state, name="state"),
    path("<int:flag_id>/copy/", settings.flag_copy, name="copy"),
    path("<int:flag_id>/archive/", state.flag_archive, name="archive"),
    path("<int:flag_id>/restore/", state.flag_restore, name="restore"),
]

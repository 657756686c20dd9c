from django.urls import path

from incidents.alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.alert_list, name="list"),
    path("<int:alert_id>/", views.alert_page, name="page"),
    path("<int:alert_id>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("<int:alert_id>/release/", views.release, name="release"),
    path("rules/<slug:name>/", views.rule_edit, name="rule"),
]

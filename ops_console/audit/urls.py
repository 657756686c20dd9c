from django.urls import path

from ops_console.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entry_list, name="list"),
    path("<int:entry_id>/", views.entry, name="entry"),
    path("<int:entry_id>/revert/", views.entry_revert, name="revert"),
]

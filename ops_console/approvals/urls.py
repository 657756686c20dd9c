from django.urls import path

from ops_console.approvals import views

app_name = "approvals"
urlpatterns = [
    path("", views.request_list, name="list"),
    path("rules/", views.rules, name="rules"),
    path("<int:request_id>/", views.request_page, name="request"),
    path("<int:request_id>/<str:how>/", views.decide, name="decide"),
]

from django.urls import path

from incidents.sweep import views

app_name = "sweep"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("runs/<int:run_id>/", views.run_page, name="run"),
    path("<str:kind>/arm/", views.arm, name="arm"),
    path("<str:kind>/disarm/", views.disarm, name="disarm"),
]

from django.urls import path

from incidents.breakers import views

app_name = "breakers"
urlpatterns = [
    path("", views.breaker_list, name="list"),
    path("<str:name>/", views.breaker_page, name="page"),
    path("<str:name>/override/", views.breaker_override, name="override"),
    path("<str:name>/clear/<int:version>/", views.breaker_clear, name="clear"),
]

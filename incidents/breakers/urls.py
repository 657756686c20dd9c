from django.urls import path

from incidents.breakers import views

app_name = "breakers"
# A breaker's name is any text, a slash included: the longer addresses come first.
urlpatterns = [
    path("", views.breaker_list, name="list"),
    path("<path:name>/override/", views.breaker_override, name="override"),
    path("<path:name>/clear/<int:version>/", views.breaker_clear, name="clear"),
    path("<path:name>/", views.breaker_page, name="page"),
]

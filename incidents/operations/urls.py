from django.urls import path

from incidents.operations import action_views, list_views, views

app_name = "operations"
urlpatterns = [
    path("", list_views.operation_list, name="list"),
    path("errors/", list_views.error_groups, name="groups"),
    path("act/", views.act, name="act"),
    path("actions/", action_views.action_list, name="actions"),
    path("actions/<int:action_id>/", action_views.action_page, name="action"),
    path("actions/<int:action_id>/end/", action_views.action_end, name="end"),
    path("actions/<int:action_id>/cancel/", action_views.cancel, name="cancel"),
    path("actions/<int:action_id>/pause/", action_views.pause, name="pause"),
    path("actions/<int:action_id>/resume/", action_views.resume, name="resume"),
    path("actions/<int:action_id>/rate/", action_views.set_rate, name="rate"),
    path("actions/<int:action_id>/take-back/", action_views.take_back, name="take_back"),
    path("dead-letters/", action_views.dead_letters, name="dead"),
    path("dead-letters/<int:command_id>/send-again/", action_views.send_again, name="send_again"),
    path("<str:kind>/<path:operation_id>/", list_views.operation_page, name="page"),
]

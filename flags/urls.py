from django.urls import path

from flags import views

app_name = "flags"
urlpatterns = [
    path("", views.flag_list, name="list"),
    path("new/", views.flag_new, name="new"),
    path("<int:flag_id>/", views.flag_page, name="page"),
    path("<int:flag_id>/state/<str:state>/", views.flag_state, name="state"),
    path("<int:flag_id>/archive/", views.flag_archive, name="archive"),
    path("<int:flag_id>/restore/", views.flag_restore, name="restore"),
]

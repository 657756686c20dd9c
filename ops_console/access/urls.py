from django.urls import path

from ops_console.access import accept, token_views, views

app_name = "access"
urlpatterns = [
    path("", views.users, name="users"),
    path("invite/", views.invite, name="invite"),
    path("second-factor/require/", views.require_second_factor, name="require_second_factor"),
    path("second-factor/optional/", views.make_second_factor_optional, name="make_second_factor_optional"),
    path("me/sign-out/", views.sign_out_me, name="sign_out_me"),
    path("link/", accept.accept, name="accept"),
    path("link/<str:token>/", accept.open_link, name="open_link"),
    path("tokens/", token_views.token_list, name="tokens"),
    path("tokens/new/", token_views.token_new, name="token_new"),
    path("tokens/<int:token_id>/revoke/", token_views.token_revoke, name="token_revoke"),
    path("<int:user_id>/", views.user, name="user"),
    path("<int:user_id>/role/", views.change_role, name="change_role"),
    path("<int:user_id>/link/", views.make_link, name="make_link"),
    path("<int:user_id>/deactivate/", views.deactivate, name="deactivate"),
    path("<int:user_id>/reactivate/", views.reactivate, name="reactivate"),
    path("<int:user_id>/sign-out/", views.sign_out, name="sign_out"),
    path("<int:user_id>/second-factors/", views.remove_second_factors, name="remove_second_factors"),
]

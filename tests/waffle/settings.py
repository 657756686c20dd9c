"""The console's settings with what waffle's own tests expect around them: an app, its addresses, a second database."""

from ops_console.settings import *  # noqa: F403
from ops_console.settings import CACHES, DATABASES, INSTALLED_APPS, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "test_app"]
ROOT_URLCONF = "test_app.urls"
# Those tests ask plain views, signed in or not.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "waffle.middleware.WaffleMiddleware",
]
TEMPLATES = [
    {
        **TEMPLATES[0],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {**DATABASES["default"], "TEST": {"NAME": "test_waffle"}},
    "foreign": {**DATABASES["foreign"], "TEST": {"NAME": "test_waffle"}},
    # A replica that lags for ever: it holds the tables and no rows.
    "readonly": {**DATABASES["default"], "TEST": {"NAME": "test_waffle_replica", "MIGRATE": False}},
}
CACHES = {**CACHES, "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
JINJA_INSTALLED = False
WAFFLE_CACHE_PREFIX = "test:"

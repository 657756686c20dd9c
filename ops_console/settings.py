"""Django's settings. What the environment may change stands in `env.py`; everything else is decided here."""

import logging
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops_client.connections import KEEPALIVE
from ops_console import __version__, env, logs
from ops_console.runtime.bounded_connection import (
    POOL_SECONDS,
    connection_class,
    foreign_connection_class,
    forget_session,
)

BASE_DIR = Path(__file__).resolve().parent.parent
_given = env.read(environ.Env())

DEBUG = _given["DEBUG"]
SECRET_KEY = _given["SECRET_KEY"]
SECRET_KEY_FALLBACKS = _given["SECRET_KEY_FALLBACKS"]
ENVIRONMENT = _given["ENVIRONMENT"]
VERSION = __version__
CONSOLE_URL = _given["CONSOLE_URL"]
ALERT_CHANNELS = _given["ALERT_CHANNELS"]
ALLOWED_HOSTS = _given["ALLOWED_HOSTS"]
CSRF_TRUSTED_ORIGINS = _given["CSRF_TRUSTED_ORIGINS"]
TRUSTED_PROXIES = _given["TRUSTED_PROXIES"]

INSTALLED_APPS = [
    "ops_console.admin_config.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_structlog",
    "heroicons",
    "template_partials",
    "waffle",
    "ops_console.access",
    "ops_console.audit",
    "ops_console.approvals",
    "ops_console.contract",
    "ops_console.directory",
    "ops_console.telemetry",
    "ops_console.live",
    "ops_console.pending_changes",
    "ops_console",
    "flags",
    "quotas",
    "incidents.operations",
    "incidents.breakers",
    "incidents.sweep",
    "incidents.alerts",
]

MIDDLEWARE = [
    "ops_console.health.HealthMiddleware",
    "ops_console.web.https_loop.HttpsLoopMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside the compression, which leaves alone what a view itself marks as never to be stored.
    "ops_console.access.middleware.NoStoreMiddleware",
    "ops_console.web.compression.CompressionMiddleware",
    "ops_console.web.visible.VisibleCharactersMiddleware",
    "ops_console.migrated.MigratedMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "ops_console.access.sessions.HashedSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "waffle.middleware.WaffleMiddleware",
    "ops_console.web.moments.zone_middleware",
    "ops_console.web.failures.FailureMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ops_console.access.session_activity.SessionActivityMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "ops_console.access.middleware.RoleMiddleware",
    "ops_console.access.second_factor.SecondFactorMiddleware",
]

ROOT_URLCONF = "ops_console.urls"
ASGI_APPLICATION = "ops_console.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ops_console.context.console",
            ],
        },
    }
]

# One database, shared with the backend. The console's own tables stand in schema "ops"; whatever else is
# read is named with its schema, so nothing depends on what "public" holds.
_database, _database_options = env.database(_given["DATABASE_URL"])
_timeout_ms = _given["STATEMENT_TIMEOUT_SECONDS"] * 1000
_foreign, _foreign_options = env.foreign_database(_given["FOREIGN_DATABASE_URL"], _given["DATABASE_URL"])


def _connection(
    named: dict[str, str], options: dict[str, str], search_path: str, pool: dict[str, object]
) -> dict[str, object]:
    return {
        **named,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **KEEPALIVE,
            "connect_timeout": 3,
            **options,
            "application_name": "ops_console",
            "options": f"-c search_path={search_path} -c statement_timeout={_timeout_ms} -c timezone=UTC",
            # Of `ops_console.prepared` alone: Django's own cursors prepare nothing.
            "prepare_threshold": 2,
            "pool": {"min_size": 0, "max_size": _given["DATABASE_POOL_SIZE"], "timeout": POOL_SECONDS, **pool},
        },
    }


DATABASES = {
    "default": _connection(
        _database,
        _database_options,
        "ops",
        {"connection_class": connection_class(_given["STATEMENT_TIMEOUT_SECONDS"])},
    ),
    # The backend's own tables, as a role without rights in "ops": see ops_console/foreign.py.
    "foreign": _connection(
        _foreign,
        _foreign_options,
        "pg_catalog",
        {
            "connection_class": foreign_connection_class(_given["STATEMENT_TIMEOUT_SECONDS"]),
            "reset": forget_session,
        },
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _given["REDIS_URL"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # A cache that is away must cost a page a moment, not its answer.
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)},
    }
}
# django-ratelimit does not know Django's own RedisCache, which increments atomically: a known false alarm.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery would log each line that is printed, and so a traceback as hundreds of records.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BEAT_SCHEDULER = "ops_console.beat.Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = _given["BEAT_SCHEDULE"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Django's own request must not hang when the broker is away: what matters stands in the outbox already.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5}

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["ops_console.access.backend.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "ops_console.access.passwords.BreachedPasswordValidator"},
    {"NAME": "ops_console.access.passwords.ContextWordsValidator"},
]
PASSWORD_RANGE_URL = _given["PASSWORD_RANGE_URL"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "ops_console.access.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"login": "ops_console.access.login_form.LoginForm"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Throttling is django-ratelimit's, on the shared cache; allauth's own would refuse to work without the cache.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_ADAPTER = "ops_console.access.encryption.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _given["HTTPS"]
# There is no verifying of mail addresses: people are invited by an admin who knows theirs.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = f"Ops Console ({ENVIRONMENT})"
USERSESSIONS_TRACK_ACTIVITY = True
REQUIRE_SECOND_FACTOR = _given["REQUIRE_SECOND_FACTOR"]
SIGN_IN_RATE = _given["SIGN_IN_RATE"]
SIGN_IN_ADDRESS_RATE = _given["SIGN_IN_ADDRESS_RATE"]
SIGN_IN_ACCOUNT_RATE = _given["SIGN_IN_ACCOUNT_RATE"]
API_RATE = _given["API_RATE"]

SESSION_ENGINE = "ops_console.access.sessions"
SESSION_IDLE_MINUTES = _given["SESSION_IDLE_MINUTES"]
SESSION_COOKIE_AGE = _given["SESSION_HOURS"] * 3600
SESSION_SAVE_EVERY_REQUEST = False
# A browser takes a cookie of that prefix from this host alone, by HTTPS, for all its paths: a sibling host sets none.
COOKIE_PREFIX = "__Host-" if _given["HTTPS"] else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
MESSAGE_STORAGE = "ops_console.web.messages.Storage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "ops_console.errors_views.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _given["HTTPS"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _given["HTTPS"] else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _given["HTTPS"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^health$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": [],
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "ops_console.web.assets.BundledStaticFilesStorage"
    },
}

vars().update(env.mail(_given["EMAIL_URL"]))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _given["DEFAULT_FROM_EMAIL"]
EMAIL_TIMEOUT = 10

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

WAFFLE_FLAG_MODEL = "flags.Flag"
# A check reads the flag's row: waffle's own cache is not flushed by bulk updates, M2M changes or SQL.
WAFFLE_CACHE_NAME = "none"
CACHES["none"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
WAFFLE_CREATE_MISSING_FLAGS = False

DIRECTORY = {key: _given[f"DIRECTORY_{key}"] for key in ("TABLE", "ID", "EMAIL", "NAME", "TIER")}

UNDO_SECONDS = _given["UNDO_SECONDS"]
UNDO_BULK_SECONDS = _given["UNDO_BULK_SECONDS"]
EPISODE_STUCK_SECONDS = _given["EPISODE_STUCK_SECONDS"]
OPERATION_MOST_ATTEMPTS = _given["OPERATION_MOST_ATTEMPTS"]
RESOURCES_KEPT_SECONDS = _given["RESOURCES_KEPT_SECONDS"]
TRANSCRIPTION_STUCK_SECONDS = _given["TRANSCRIPTION_STUCK_SECONDS"]

AUDIT_HEAD_URL = _given["AUDIT_HEAD_URL"]
SENTRY_DSN = _given["SENTRY_DSN"]
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Its own takes the first entry of X-Forwarded-For, which anybody can send: `access.signals` binds the address.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# Leaving a page ends its event stream: no warning is due.
DJANGO_STRUCTLOG_REQUEST_CANCELLED_LOG_LEVEL = logging.DEBUG
LOGGING_CONFIG = "ops_console.logs.configure"
LOGGING = logs.config(_given["LOG_LEVEL"])

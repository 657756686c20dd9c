"""Every setting that the environment may give, in one table. `docs/howto/deploy.md` lists the same rows."""

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from ops_client.dsn import parameters
from ops_client.errors import InvalidInput

# Names of tables and columns, which may be quoted as SQL writes them.
_QUOTED_NAMES = "DIRECTORY_"
_BOOLEANS = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0"}
_CHANNEL = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.IGNORECASE | re.ASCII | re.DOTALL)
# As django-ratelimit reads it: so many in a period, or in several of them.
_RATE = re.compile(r"\d+/\d*[smhd]", re.ASCII)
_PLACEHOLDER = re.compile(r"django-insecure-|change.?me|your.?secret|example", re.IGNORECASE)
# What proves to the server who connects, and is of one role.
_CREDENTIALS = {"passfile", "sslcert", "sslkey", "sslpassword", "service"}
_DJANGO_NAMES = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, how it is read, its default, and what it is for.

    `required` settings have no default outside DEBUG: the console refuses to start without them.
    """

    name: str
    cast: Any
    default: Any
    purpose: str
    required: bool = False


SETTINGS = (
    Setting("DEBUG", bool, False, "Django's debug mode; never on a server that others can reach."),
    Setting(
        "SECRET_KEY",
        str,
        "for-debug-only",
        "Signs sessions, encrypts second factors; 50 random characters.",
        required=True,
    ),
    Setting("SECRET_KEY_FALLBACKS", list, [], "Earlier keys that still hold, while SECRET_KEY is being rotated."),
    Setting(
        "DATABASE_URL",
        str,
        "postgres:///podcast",
        "The shared PostgreSQL database, as the console's own role; as the owning role for `migrate`.",
        required=True,
    ),
    Setting(
        "FOREIGN_DATABASE_URL",
        str,
        "postgres://ops_foreign@/",
        "The same database, as the role for the backend's tables; what it leaves out is taken from DATABASE_URL.",
    ),
    Setting(
        "REDIS_URL",
        str,
        "redis://127.0.0.1:6379",
        "Valkey or Redis for throttling, cache and Celery; `redis://` or `unix:///path`.",
        required=True,
    ),
    Setting("ALLOWED_HOSTS", list, ["127.0.0.1", "localhost", "[::1]"], "Host names the console answers to."),
    Setting("CSRF_TRUSTED_ORIGINS", list, [], "Origins with scheme, when a proxy changes the host."),
    Setting("HTTPS", bool, True, "Secure cookies, HSTS and redirects; off only for a loopback demo."),
    Setting("TRUSTED_PROXIES", int, 0, "How many proxies of yours append to X-Forwarded-For."),
    Setting("ENVIRONMENT", str, "production", "The name that every page shows in its own colour."),
    Setting("DATABASE_POOL_SIZE", int, 10, "Most connections one console process keeps open."),
    Setting(
        "STATEMENT_TIMEOUT_SECONDS",
        int,
        30,
        "A statement of the console is cancelled after it; 0 for migrate.",
    ),
    Setting("EMAIL_URL", str, "consolemail://", "Where mail goes, e.g. `smtp+tls://user:password@host:587`."),
    Setting("DEFAULT_FROM_EMAIL", str, "ops-console@localhost", "The sender of invitations and notices."),
    Setting(
        "ALERT_CHANNELS",
        list,
        ["people://"],
        "Where alerts go, as apprise's addresses; `people://` is mail to every operator and admin.",
    ),
    Setting("CONSOLE_URL", str, "", "Where people open the console, for links in alerts; empty leaves links out."),
    Setting("SENTRY_DSN", str, "", "Where errors of the console go; empty sends none."),
    Setting("SESSION_HOURS", int, 12, "A session ends this long after the sign-in, used or not."),
    Setting("SESSION_IDLE_MINUTES", int, 60, "A session ends this long after the last request of its user."),
    Setting(
        "PASSWORD_RANGE_URL",
        str,
        "",
        "A service that knows breached passwords by the first 5 characters of their SHA-1; empty asks none.",
    ),
    Setting(
        "REQUIRE_SECOND_FACTOR",
        bool,
        False,
        "Nobody works without a second factor; also set on the Access page.",
    ),
    Setting("SIGN_IN_RATE", str, "10/m", "Sign-in attempts from one address at one account: 10/m, 5/h."),
    Setting("SIGN_IN_ADDRESS_RATE", str, "30/m", "Sign-in attempts from one address at all accounts."),
    Setting("SIGN_IN_ACCOUNT_RATE", str, "50/h", "Sign-in attempts at one account from browsers that it never used."),
    Setting("API_RATE", str, "600/m", "Calls of the JSON API an API token, in django-ratelimit's form."),
    Setting("DIRECTORY_TABLE", str, 'public."user"', "The backend's table of users, with its schema."),
    Setting("DIRECTORY_ID", str, "id", "Its column with the id that the backend passes as user_id."),
    Setting("DIRECTORY_EMAIL", str, "email", "Its column with the mail address."),
    Setting("DIRECTORY_NAME", list, ["first_name", "last_name"], "Its columns that make a name, in order."),
    Setting("DIRECTORY_TIER", str, "tier", "Its column with the tier."),
    Setting("UNDO_SECONDS", int, 10, "An action on one operation is held back this long for Undo."),
    Setting("UNDO_BULK_SECONDS", int, 60, "An action on more than one is held back this long."),
    Setting("EPISODE_STUCK_SECONDS", int, 7200, "An episode in assembly is stuck after this long without news."),
    Setting(
        "OPERATION_MOST_ATTEMPTS", int, 5, "Retries after which bulks leave an operation alone until a person looks."
    ),
    Setting("RESOURCES_KEPT_SECONDS", int, 3600, "What a failed operation leaves behind is freed this long after."),
    Setting("TRANSCRIPTION_STUCK_SECONDS", int, 3600, "A transcription is stuck after this long without news."),
    Setting(
        "AUDIT_HEAD_URL",
        str,
        "",
        "A folder or bucket that keeps the head of each seal of the audit, as fsspec's address; empty: the log alone.",
    ),
    Setting("BEAT_SCHEDULE", str, "celerybeat-schedule", "Beat's file, in a directory that outlives it."),
    Setting("LOG_LEVEL", str, "INFO", "The least severe record that is logged."),
)


def read(env: environ.Env) -> dict[str, Any]:
    """Read every setting; raise ImproperlyConfigured naming all that are missing at once."""
    _refuse_quoted(env)
    _refuse_no_booleans(env)
    debug = env.bool("DEBUG", default=False)
    missing = [s.name for s in SETTINGS if s.required and not debug and not env.str(s.name, default="")]
    if missing:
        raise ImproperlyConfigured(
            f"Set {', '.join(missing)} in the environment: with DEBUG off the console does not start without. "
            "docs/howto/deploy.md lists every setting."
        )
    values = {s.name: _value(env, s) for s in SETTINGS}
    _refuse_unusable(values)
    return values


def mail(url: str) -> dict[str, Any]:
    """What EMAIL_URL says, as Django's settings. Raises ImproperlyConfigured without quoting a password."""
    try:
        return dict(environ.Env.email_url_config(url))
    except (ImproperlyConfigured, ValueError):
        known = ", ".join(f"{scheme}://" for scheme in environ.Env.EMAIL_SCHEMES)
        raise ImproperlyConfigured(
            f"EMAIL_URL begins with none of {known}. It reads smtp+tls://USER:PASSWORD@HOST:587."
        ) from None


def _refuse_quoted(env: environ.Env) -> None:
    """`docker run --env-file` and systemd's older versions keep the quotes of NAME="value"; a shell does not."""
    given = {s.name: env.str(s.name, default="") for s in SETTINGS if not s.name.startswith(_QUOTED_NAMES)}
    quoted = [name for name, value in given.items() if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"]
    if quoted:
        raise ImproperlyConfigured(
            f"The quotes around the value belong to it: {', '.join(quoted)}. Docker keeps the quotes of an env file: "
            "write NAME=value without them."
        )


def _refuse_no_booleans(env: environ.Env) -> None:
    """django-environ reads any other text as false: HTTPS=enabled would serve without HTTPS."""
    wrong = [
        f"{s.name} is 1 or 0."
        for s in SETTINGS
        if s.cast is bool and s.name in env and env.str(s.name).strip().lower() not in _BOOLEANS
    ]
    if wrong:
        raise ImproperlyConfigured(" ".join(wrong))


def _refuse_unusable(values: Mapping[str, Any]) -> None:
    """What would only fail later, at the first sign-in or connection. Values are not quoted: some hold a password."""
    wrong = [f"{name} is not negative." for name, value in values.items() if isinstance(value, int) and value < 0]
    wrong += [
        f"{name} is at least 1."
        for name in ("DATABASE_POOL_SIZE", "SESSION_HOURS", "SESSION_IDLE_MINUTES")
        if values[name] == 0
    ]
    rates = [name for name in values if name.endswith("_RATE")]
    wrong += [f"{name} reads 10/m, 100/5m or 1000/h." for name in rates if not _RATE.fullmatch(values[name])]
    for name, keys in (
        ("SECRET_KEY", [values["SECRET_KEY"]]),
        ("SECRET_KEY_FALLBACKS", values["SECRET_KEY_FALLBACKS"]),
    ):
        found = {weakness for key in keys if (weakness := _weakness(key))} if not values["DEBUG"] else set()
        wrong += [f"{name} {weakness}: use 50 random characters." for weakness in found]
    if not values["REDIS_URL"].startswith(("redis://", "rediss://", "unix://")):
        wrong.append("REDIS_URL reads redis://HOST:6379, rediss://HOST:6379 or unix:///PATH.")
    if not all(_CHANNEL.fullmatch(each.strip()) for each in values["ALERT_CHANNELS"]):
        wrong.append("ALERT_CHANNELS is a list of addresses with a scheme, such as people:// or mailto://HOST.")
    for name in ("CONSOLE_URL", "PASSWORD_RANGE_URL"):
        if values[name] and not _is_web_address(values[name]):
            wrong.append(f"{name} reads https://HOST or https://HOST/PATH.")
    if values["LOG_LEVEL"] not in logging.getLevelNamesMapping():
        wrong.append("LOG_LEVEL is DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    if wrong:
        raise ImproperlyConfigured(" ".join(wrong))


def _weakness(key: str) -> str:
    """Why a key could be guessed, or "". 128 bits, by how often each character occurs; a repeated text has fewer."""
    shares = [key.count(character) / len(key) for character in set(key)]
    bits = -sum(share * math.log2(share) for share in shares) * len(key)
    if bits < 128 or (key * 2).find(key, 1) < len(key):
        return "holds too little that is random"
    return "is a placeholder" if _PLACEHOLDER.search(key) else ""


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracket that cannot be
        return False


def database(url: str) -> tuple[dict[str, str], dict[str, str]]:
    """What DATABASE_URL says, as Django names it, and the other connection parameters. Raises ImproperlyConfigured."""
    try:
        found = parameters(url, "DATABASE_URL")
    except InvalidInput as error:
        raise ImproperlyConfigured(error.message) from None
    named = {key: found.pop(name, "") for key, name in _DJANGO_NAMES.items()}
    return named, found


def foreign_database(url: str, console_url: str) -> tuple[dict[str, str], dict[str, str]]:
    """What FOREIGN_DATABASE_URL says, in the same form: where it names no server or database, those of `console_url`.

    Raises ImproperlyConfigured, also where it names no role or the console's own.
    """
    try:
        found = parameters(url, "FOREIGN_DATABASE_URL")
    except InvalidInput as error:
        raise ImproperlyConfigured(error.message) from None
    console, options = database(console_url)
    if found.get("user", "") in ("", console["USER"]):
        raise ImproperlyConfigured(
            "FOREIGN_DATABASE_URL must name a role of its own, such as ops_foreign: whatever the owner of the "
            "backend's tables plants in them runs as this role. docs/howto/deploy.md says how it is made."
        )
    shared = {key: value for key, value in options.items() if key not in _CREDENTIALS}
    named = {key: found.pop(name, "") for key, name in _DJANGO_NAMES.items()}
    for key in ("HOST", "PORT", "NAME"):
        named[key] = named[key] or console[key]
    return named, {**shared, **found}


def _value(env: environ.Env, setting: Setting) -> Any:
    try:
        return env.get_value(setting.name, cast=setting.cast, default=setting.default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting.name} is a whole number.") from error

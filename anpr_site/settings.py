"""All settings, from the environment only. Each variable is described in docs/operations/settings.md.

`make run` writes a `.env` for a trial. In production DEBUG stays unset and every secret is given.
"""

from pathlib import Path

import django_stubs_ext
import font_source_sans_pro
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from anpr_site.environment import env, load_dotenv, required

# Makes Django's generic classes subscriptable at run time (ModelAdmin[Camera]).
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "It signs sessions: at least 50 random characters.")
if len(SECRET_KEY) < 50 and not DEBUG:
    raise ImproperlyConfigured(
        "SECRET_KEY is too short for production: at least 50 random characters. Make one with: "
        "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    )
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[]) or [SECRET_KEY]
"""Encrypt what the database keeps secret (addresses of streams): the first encrypts, all decrypt."""
if min(map(len, ENCRYPTION_KEYS)) < 32 and not DEBUG:
    raise ImproperlyConfigured("Each of ENCRYPTION_KEYS needs at least 32 random characters.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- Applications ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "anpr_site.apps.SiteConfig",
    "anpr_site.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_celery_beat",
    "django_htmx",
    "csp",
    "accounts",
    "vehicles",
    "cameras",
    "detections",
    "alerts",
]
if env.bool("MIGRATION_LINTER", default=False):
    INSTALLED_APPS.append("django_migration_linter")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "anpr_site.short_way.ShortWayMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "anpr_site.urls"
WSGI_APPLICATION = "anpr_site.wsgi.application"
ASGI_APPLICATION = "anpr_site.asgi.application"
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
                "anpr_site.home.page_settings",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------------

required("DATABASE_URL", "PostgreSQL 14 or newer: postgres://user:password@host:5432/anpr.")
DATABASES = {"default": env.db_url("DATABASE_URL")}
if "postgresql" not in DATABASES["default"]["ENGINE"]:
    raise ImproperlyConfigured(
        "DATABASE_URL must name a PostgreSQL server: the tables are partitioned there."
    )
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("DB_CONN_MAX_AGE", default=600),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        # A transaction forgotten open holds back the feed (docs/adr/0002): PostgreSQL ends it.
        "options": "-c idle_in_transaction_session_timeout=60000",
        **DATABASES["default"].get("OPTIONS", {}),
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker, push between processes, cache ---------------------------------------------------------

REDIS_URL = required("REDIS_URL", "Redis 7 or Valkey: redis://:password@host:6379/0.")
CHANNEL_LAYERS = {
    # The pub/sub layer: measured 35-70 ms against 0.5 s and more for the default one (issue 6).
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "anpr"},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
    # Without a broker a wake-up fails at once instead of holding a request for six seconds.
    "max_retries": 0,
    "health_check_interval": 10,
    # A task taken by a worker that died is given to another after this many seconds.
    "visibility_timeout": 600,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_TIMEZONE = "Africa/Porto-Novo"

# --- Who may enter --------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=8 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("COOKIES_SECURE", default=not DEBUG)
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^(health|ready|liveness|metrics)$"]
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

WEBSOCKET_PORT = env.str("WEBSOCKET_PORT", default="")
"""Port of the ASGI process for pages; empty: the page's own (a proxy sends /ws/ to the ASGI process)."""

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, *([f"ws://*:{WEBSOCKET_PORT}"] if WEBSOCKET_PORT else [])],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language and time ----------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Africa/Porto-Novo"
USE_I18N = USE_TZ = True

# --- Files ----------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    # Source Sans Pro (OFL) comes from its package; nothing of it is copied into the project.
    ("fonts", str(Path(font_source_sans_pro.__file__).parent / "files")),
]
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "var" / "media"))()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o640
WHITENOISE_USE_FINDERS = DEBUG

# --- API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.ApiKeyAuthentication",
        "accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.RoleOrScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ANPR Bénin",
    "DESCRIPTION": "Passages in, passages and alerts out. Errors: {detail, timestamp, errors}.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "IngestStatus": ["created", "duplicate"],
        "LineStatus": ["created", "duplicate", "rejected"],
        "SubmissionStatus": "detections.models.SubmissionStatus",
        "CorrectionKind": "detections.models.CorrectionKind",
        "AlertStatus": "alerts.models.AlertStatus",
    },
}

# --- What this product does -----------------------------------------------------------------------------

RECOGNITION_ENGINE = env.str("RECOGNITION_ENGINE", default="native")
"""Engine for cameras and photos that name none: see recognition.engines."""
RECOGNITION_ENGINE_PARAMETERS = env.json("RECOGNITION_ENGINE_PARAMETERS", default={})
"""Its parameters, as a JSON object: see recognition.engines.PARAMETERS."""
if not isinstance(RECOGNITION_ENGINE_PARAMETERS, dict):
    raise ImproperlyConfigured("RECOGNITION_ENGINE_PARAMETERS must be a JSON object: {...}.")

MAX_IMAGE_BYTES = env.int("MAX_IMAGE_BYTES", default=20 * 1024 * 1024)
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", default=40_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_REQUEST_BYTES", default=2 * 1024 * 1024)
"""Largest JSON body, in bytes; uploaded images have MAX_IMAGE_BYTES each."""
MAX_BATCH_BYTES = env.int("MAX_BATCH_BYTES", default=16 * 1024 * 1024)
"""Largest batch sent as lines, in bytes, unpacked."""
MAX_BATCH_LINES = env.int("MAX_BATCH_LINES", default=10_000)
MAX_EXPORT_ROWS = env.int("MAX_EXPORT_ROWS", default=1_000_000)

CLOCK_TOLERANCE_SECONDS = env.int("CLOCK_TOLERANCE_SECONDS", default=300)
"""How far in the future a sender's clock may be."""

READS_RETENTION_DAYS = env.int("READS_RETENTION_DAYS", default=365)
"""For how long passages are kept (document A: one year) until a rule in the console says otherwise."""

RETENTION_HOLDS: list[str] = []
"""Functions (dotted names) that are asked before a month of passages is dropped, with its bounds: they copy
out what they need for longer; what they raise keeps the month."""

FEED_CONSUMERS = [
    "alerts.tasks.match_passages",
    "detections.tasks.remember_plates",
    "detections.tasks.count_passages",
]
"""Tasks that consume the feed of passages; woken after each commit, and by beat anyway."""

CORRECTION_CONSUMERS = ["alerts.tasks.match_corrections"]
"""Tasks that consume the corrections of officers, in the same way."""

SEARCH_CASE_REFERENCE_ROLES = env.list("SEARCH_CASE_REFERENCE_ROLES", default=["viewer"])
"""Roles that name a case with each search of passages; API keys always do."""
SEARCH_CASE_REFERENCE_DAYS = env.int("SEARCH_CASE_REFERENCE_DAYS", default=15)
"""A search that reaches further back names a case, whatever the role."""
SEARCH_TIMEOUT_MS = env.int("SEARCH_TIMEOUT_MS", default=5000)
"""A search that takes the database longer is ended: it has to be narrowed."""

MATCHED_PASSAGES = "alerts.services.MATCHED"
"""Condition, in SQL, of passages that raised an alert: alerts stand above detections, so it is named here."""

STREAMS_PER_WORKER = env.int("STREAMS_PER_WORKER", default=3)
"""Cameras that one recognition worker reads at once; below its threads, so that photos are read too.
Measured for 6 frames/s on two cores: docs/adr/0012."""

ALERT_FOLD_SECONDS = env.int("ALERT_FOLD_SECONDS", default=600)
"""The same listed vehicle at the same camera within this time is one alert with a count."""

CAMERA_INCIDENT_SECONDS = env.int("CAMERA_INCIDENT_SECONDS", default=60)
"""How long a camera must fare worse before it is told, and better before that is over."""

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
"""Opens /metrics from elsewhere than this machine, as a bearer token; empty: from nowhere else."""
if METRICS_TOKEN and len(METRICS_TOKEN) < 32 and not DEBUG:
    raise ImproperlyConfigured("METRICS_TOKEN needs at least 32 random characters.")

# --- Logs: one line each, no personal data ----------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}

"""The project: settings, URLs, processes (WSGI, ASGI, Celery), health, home page."""

from anpr_site.celery import app as celery_app

__all__ = ["celery_app"]

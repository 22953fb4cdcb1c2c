"""Celery tasks over all apps. Each makes one domain call."""

from celery import shared_task

from anpr_site import purging


@shared_task
def purge() -> int:
    """Delete what retention makes due; the number of certificates."""
    return len(purging.purge())

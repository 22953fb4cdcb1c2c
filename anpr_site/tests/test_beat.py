"""The beat table as it arrives in the database, where beat reads it."""

import pytest
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from anpr_site.celery import EXPIRE_SECONDS, app

pytestmark = pytest.mark.django_db(transaction=True)


def test_ticks_that_no_worker_takes_run_out() -> None:
    DatabaseScheduler(app=app)  # reads the table, as beat does when it starts
    expiry = dict(PeriodicTask.objects.values_list("name", "expire_seconds"))
    assert set(app.conf.beat_schedule) <= set(expiry)
    frequent = {name for name, entry in app.conf.beat_schedule.items() if entry["schedule"] < 60}
    assert len(frequent) == 7
    assert {expiry[name] for name in frequent} == {EXPIRE_SECONDS}

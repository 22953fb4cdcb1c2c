"""Two writers at the same moment: one of them is told, whoever it is."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import AuditEvent
from cameras import services
from cameras.models import Camera, ModelConfig

pytestmark = pytest.mark.django_db(transaction=True)


def together(*writers: Callable[[], object]) -> list[str]:
    """What each of them came to: "done", or the name of its error."""
    start, outcomes = threading.Barrier(len(writers)), []

    def run(write: Callable[[], object]) -> None:
        start.wait()
        try:
            write()
            outcomes.append("done")
        except (services.StaleError, services.ConflictError) as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(write,)) for write in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_writers_who_saw_the_same_revision_one_wins(camera: Camera) -> None:
    def writer(name: str) -> Callable[[], object]:
        return lambda: services.change_config(camera, changes={"name": name}, by=None, revision=1)

    assert together(*map(writer, "abcd")) == ["StaleError"] * 3 + ["done"]
    assert Camera.objects.get().revision == 2
    assert AuditEvent.objects.count() == 1


def test_there_is_one_usual_model_however_many_are_made_at_once(db: None) -> None:
    def writer(name: str) -> Callable[[], object]:
        return lambda: services.create_config(
            ModelConfig(name=name, engine="native", is_default=True), by=None
        )

    assert together(*map(writer, "abcd")) == ["done"] * 4
    assert ModelConfig.objects.count() == 4
    assert ModelConfig.objects.filter(is_default=True).count() == 1


def test_choosing_the_usual_model_from_two_sides_never_locks_up(db: None) -> None:
    first, second = (ModelConfig.objects.create(name=name, engine="native") for name in "ab")

    def writer(model: ModelConfig) -> Callable[[], object]:
        return lambda: services.change_config(model, changes={"is_default": True}, by=None)

    for _round in range(5):
        assert together(writer(first), writer(second)) == ["done"] * 2
        assert ModelConfig.objects.filter(is_default=True).count() == 1

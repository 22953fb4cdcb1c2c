"""Addresses of streams that were stored in plain text are encrypted. Reading takes both, so nothing waits."""

from typing import Any

from django.db import migrations

from cameras.sealed import unseal


def seal_all(apps: Any, schema_editor: Any) -> None:
    cameras = apps.get_model("cameras", "Camera").objects
    for camera in cameras.exclude(stream_url="", rtsp_url="").iterator():
        # The field encrypts what is written.
        cameras.filter(pk=camera.pk).update(stream_url=camera.stream_url, rtsp_url=camera.rtsp_url)


def unseal_all(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, stream_url, rtsp_url FROM cameras_camera")
        for pk, stream, rtsp in cursor.fetchall():
            plain = [getattr(text, "stored", text) for text in (unseal(stream), unseal(rtsp))]
            cursor.execute(
                "UPDATE cameras_camera SET stream_url = %s, rtsp_url = %s WHERE id = %s", [*plain, pk]
            )


class Migration(migrations.Migration):
    dependencies = [("cameras", "0003_widen_addresses")]

    operations = [migrations.RunPython(seal_all, unseal_all)]

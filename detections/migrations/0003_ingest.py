"""Fewer indexes to write to: no folded plates (search has a dictionary of those), and only vehicles known."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("detections", "0002_stays"),
        ("vehicles", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="detection", name="detection_key"),
        migrations.SeparateDatabaseAndState(
            # Made under this name by 0001; dropping the parent's index drops those of all months.
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX detections_detection_vehicle_id",
                    "CREATE INDEX detections_detection_vehicle_id ON detections_detection (vehicle_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="detection",
                    name="vehicle",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="vehicles.vehicle",
                        verbose_name="vehicle",
                    ),
                )
            ],
        ),
        migrations.AddIndex(
            model_name="detection",
            index=models.Index(
                condition=models.Q(("vehicle__isnull", False)), fields=["vehicle"], name="detection_vehicle"
            ),
        ),
    ]

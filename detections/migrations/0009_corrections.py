"""Corrections beside the reads, as a second stream of the feed; cursors that tell of failures."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import vehicles.models

# A row may be moved within the feed (`feed.rebase`), never changed. It may be deleted only where retention says
# so for its own transaction (`corrections.forget_corrections`).
FORWARD = """
ALTER TABLE detections_correction ADD COLUMN ingest_xid xid8 DEFAULT pg_current_xact_id() NOT NULL;
COMMENT ON COLUMN detections_correction.ingest_xid IS
    'Transaction that inserted the row: orders the feed (detections/feed.py). Not known to Django.';
CREATE INDEX correction_feed ON "detections_correction" (ingest_xid, id);
CREATE FUNCTION detections_correction_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('anpr.forget_corrections', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'ingest_xid' = to_jsonb(OLD) - 'ingest_xid' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'corrections are append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON detections_correction
    FOR EACH ROW EXECUTE FUNCTION detections_correction_append_only();
"""
BACKWARD = """
DROP TRIGGER append_only ON detections_correction;
DROP FUNCTION detections_correction_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("detections", "0006_retention"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # Another name for the same column: the rows of a stream are no longer passages alone.
            state_operations=[
                migrations.RemoveField(model_name="feedcursor", name="detection_id"),
                migrations.AddField(
                    model_name="feedcursor",
                    name="row_id",
                    field=models.BigIntegerField(db_column="detection_id", default=0, verbose_name="row"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="feedcursor",
            name="stream",
            field=models.CharField(
                db_default="passages", default="passages", max_length=16, verbose_name="stream"
            ),
        ),
        migrations.AddField(
            model_name="feedcursor",
            name="failures",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="failures in a row"),
        ),
        migrations.AddField(
            model_name="feedcursor",
            name="failing_since",
            field=models.DateTimeField(null=True, verbose_name="failing since"),
        ),
        migrations.AddField(
            model_name="feedcursor",
            name="error",
            field=models.CharField(db_default="", default="", max_length=100, verbose_name="error"),
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("detection_id", models.BigIntegerField(verbose_name="passage")),
                ("detected_at", models.DateTimeField(verbose_name="seen at")),
                ("event_id", models.UUIDField(verbose_name="event")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("corrected", "Corrected"),
                            ("confirmed", "Confirmed"),
                            ("unreadable", "Unreadable"),
                        ],
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                ("plate_number", vehicles.models.PlateField(blank=True, max_length=16, verbose_name="plate")),
                ("plate_key", models.CharField(blank=True, max_length=16)),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "case_reference",
                    models.CharField(blank=True, max_length=64, verbose_name="case reference"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="said at")),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "correction",
                "verbose_name_plural": "corrections",
                "ordering": ("-created_at", "-pk"),
                "indexes": [
                    models.Index(fields=["detection_id", "-id"], name="correction_passage"),
                    models.Index(fields=["plate_number", "-detected_at"], name="correction_plate"),
                    models.Index(fields=["detected_at"], name="correction_month"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "unreadable"), ("plate_number", "")),
                            models.Q(
                                models.Q(("kind", "unreadable"), _negated=True),
                                ("plate_number__regex", "^[A-Z0-9]{2,16}$"),
                            ),
                            _connector="OR",
                        ),
                        name="correction_plate_normalised",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]

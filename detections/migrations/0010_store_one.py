from django.db import migrations

# One passage in one round trip, with plans that the session keeps: see detections/services/storing.py.
CREATE = r"""
CREATE FUNCTION detections_store_one(
    line text, event uuid, plates text[], month text, crop bytea,
    OUT known bigint, OUT created bigint, OUT month_missing boolean
) LANGUAGE plpgsql AS $$
DECLARE
    f text[];
    vehicle bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(event::text, 0));
    SELECT id INTO known FROM detections_detection WHERE event_id = event LIMIT 1;
    IF known IS NOT NULL THEN
        RETURN;
    END IF;
    month_missing := to_regclass(month) IS NULL;
    IF month_missing THEN
        RETURN;
    END IF;
    SELECT id INTO vehicle FROM vehicles_vehicle WHERE plate_number = ANY(plates) LIMIT 1;
    f := string_to_array(line, E'\t', '\N');
    INSERT INTO detections_detection (
        id, event_id, plate_number, plate_key, ocr_text, confidence, detection_confidence,
        recognition_confidence, char_confidences, candidates, countries, layout, plate_color,
        bounding_box, recognition_polygon, image_path, image_data, processing_time, vehicle_type,
        vehicle_color, vehicle_brand, vehicle_model, direction, lane, tpms, metadata, source,
        vehicle_id, camera_id, created_by_id, detected_at, created_at, updated_at
    ) VALUES (
        DEFAULT, f[2]::uuid, f[3], f[4], f[5], f[6]::float8, f[7]::float8, f[8]::float8,
        f[9]::jsonb, f[10]::jsonb, f[11]::jsonb, f[12], f[13], f[14]::jsonb, f[15]::jsonb, f[16],
        crop, f[18]::float8, f[19], f[20], f[21], f[22], f[23], f[24], f[25]::jsonb,
        f[26]::jsonb, f[27], vehicle, f[29]::bigint, f[30]::bigint, f[31]::timestamptz,
        f[32]::timestamptz, f[33]::timestamptz
    ) RETURNING id INTO created;
END
$$;
"""
DROP = "DROP FUNCTION detections_store_one"


class Migration(migrations.Migration):
    dependencies = [
        ("detections", "0009_corrections"),
    ]

    operations = [migrations.RunSQL(CREATE, DROP)]

"""Zones of a sensor are its camera's: held by the database, over three tables.

Checked at the end of a transaction, since a sensor moves to another camera and takes other zones in one.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION cameras_sensor_zones() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM cameras_sensorsettings_zones link
          JOIN cameras_sensorsettings sensor ON sensor.id = link.sensorsettings_id
          JOIN cameras_zone zone ON zone.id = link.zone_id
         WHERE sensor.camera_id <> zone.camera_id
           AND CASE TG_TABLE_NAME
                   WHEN 'cameras_sensorsettings_zones' THEN link.id = NEW.id
                   WHEN 'cameras_sensorsettings' THEN sensor.id = NEW.id
                   ELSE zone.id = NEW.id
               END
    ) THEN
        RAISE EXCEPTION 'a sensor has zones of its own camera only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sensor_zones_of_its_camera';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sensor_zones_of_its_camera AFTER INSERT OR UPDATE ON cameras_sensorsettings_zones
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cameras_sensor_zones();
CREATE CONSTRAINT TRIGGER sensor_zones_of_its_camera AFTER UPDATE OF camera_id ON cameras_sensorsettings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cameras_sensor_zones();
CREATE CONSTRAINT TRIGGER sensor_zones_of_its_camera AFTER UPDATE OF camera_id ON cameras_zone
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cameras_sensor_zones();
"""
BACKWARD = """
DROP TRIGGER sensor_zones_of_its_camera ON cameras_zone;
DROP TRIGGER sensor_zones_of_its_camera ON cameras_sensorsettings;
DROP TRIGGER sensor_zones_of_its_camera ON cameras_sensorsettings_zones;
DROP FUNCTION cameras_sensor_zones();
"""


class Migration(migrations.Migration):
    dependencies = [("cameras", "0004_seal_addresses")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

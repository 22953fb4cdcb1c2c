"""Addresses of streams become text without limit, since encrypted ones are longer.

From varchar(500) to text PostgreSQL rewrites nothing and running processes notice nothing.
"""

from django.db import migrations

import cameras.addresses
import cameras.sealed


class Migration(migrations.Migration):
    dependencies = [("cameras", "0002_config")]

    operations = [
        migrations.AlterField(
            model_name="camera",
            name="rtsp_url",
            field=cameras.sealed.SealedField(
                blank=True,
                max_length=500,
                validators=[cameras.addresses.validate_source],
                verbose_name="RTSP stream",
            ),
        ),
        migrations.AlterField(
            model_name="camera",
            name="stream_url",
            field=cameras.sealed.SealedField(
                blank=True,
                help_text="HTTP stream, video file, or a folder in which photos arrive (file:///...).",
                max_length=500,
                validators=[cameras.addresses.validate_source],
                verbose_name="stream",
            ),
        ),
    ]

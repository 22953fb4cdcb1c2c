"""HTTP entry point (granian --interface wsgi anpr_site.wsgi:application)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
application = get_wsgi_application()

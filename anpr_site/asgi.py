"""WebSocket entry point (granian --interface asgi --ws anpr_site.asgi:application).

HTTP goes to `wsgi.py` in its own process: measured faster for both than one ASGI process.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  (models exist only after the line above)

from anpr_site.closing import closing  # noqa: E402
from anpr_site.routing import websocket  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": closing(websocket)})

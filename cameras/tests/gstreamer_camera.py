"""GStreamer's RTSP server as a camera: /usr/bin/python3 gstreamer_camera.py PORT CLIP [USER:PASSWORD].

Runs under the machine's own Python, which has the bindings. Plays the MP4 clip (H.264) to each client from
its start, at /live, over TCP or UDP. Prints "ready" when it takes clients. Debian's packages for it:
gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-{base,good,bad}.
"""

import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

NEEDED = ("filesrc", "qtdemux", "h264parse", "rtph264pay")
LAUNCH = "( filesrc location={clip} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"


def main(port: str, clip: str, password: str = "") -> None:
    """Serve until killed."""
    Gst.init(None)
    missing = [name for name in NEEDED if Gst.ElementFactory.find(name) is None]
    if missing:
        sys.exit(f"GStreamer lacks {', '.join(missing)}")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(LAUNCH.format(clip=clip))
    if password:
        _protect(server, factory, *password.split(":", 1))
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def _protect(server: Any, factory: Any, user: str, password: str) -> None:
    """Let only this user in."""
    auth, token, permissions = (
        GstRtspServer.RTSPAuth(),
        GstRtspServer.RTSPToken(),
        GstRtspServer.RTSPPermissions(),
    )
    token.set_string("media.factory.role", "officer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    for permission in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("officer", permission, True)
    factory.set_permissions(permissions)
    server.set_auth(auth)


if __name__ == "__main__":
    main(*sys.argv[1:])

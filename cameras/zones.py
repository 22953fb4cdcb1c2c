"""Zones of a camera as recognition uses them: those drawn in its picture. Those on the map are for maps."""

from cameras.geometry import Space, polygons_of
from cameras.models import Camera, Zone, ZoneType
from recognition.zones import Area, Zones


def zones_of(camera: Camera) -> Zones:
    """The enabled areas in the camera's picture; none for one that is not stored."""
    if camera._state.adding:
        return Zones()
    areas: dict[str, list[Area]] = {kind: [] for kind in ZoneType.values}
    for zone in Zone.objects.filter(camera=camera, is_enabled=True, space=Space.PICTURE):
        areas[zone.zone_type] += areas_of(zone)
    return Zones(
        detection=tuple(areas[ZoneType.DETECTION]),
        exclusion=tuple(areas[ZoneType.EXCLUSION]),
        parking=tuple(areas[ZoneType.PARKING]),
    )


def areas_of(zone: Zone) -> list[Area]:
    """The zone's polygons."""
    return [
        Area(tuple(outline), tuple(tuple(hole) for hole in holes))
        for outline, *holes in polygons_of(zone.geometry)
    ]

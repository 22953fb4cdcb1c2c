"""What tests of streams share: drawn clips as cameras encode them."""

from pathlib import Path

import pytest

from cameras.tests.rtsp import AccessUnit, access_units, camera_clip


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a drawn road, twelve pictures a second, 320 x 180."""
    return camera_clip(tmp_path_factory.mktemp("clips") / "road.mp4")


@pytest.fixture(scope="session")
def units(road: Path) -> list[AccessUnit]:
    """Its pictures as they go over the network."""
    return access_units(road)

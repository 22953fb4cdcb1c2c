"""The version string of an engine."""

from importlib.metadata import PackageNotFoundError, version


def versions(*packages: str) -> str:
    """Names and versions of the packages that an engine's results depend on: "rapidocr 3.10.0, ..."."""
    return ", ".join(f"{package} {_version(package)}" for package in packages)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"

"""The product in containers: what the compose file and the proxy's configuration promise."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml."""
    described: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
        (ROOT / "docker-compose.yml").read_text()
    )
    return described["services"]


@pytest.mark.parametrize("name", ["web", "websocket", "worker", "recognition", "beat"])
def test_every_process_waits_for_the_migrations(services: dict[str, dict[str, Any]], name: str) -> None:
    assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_migrations_wait_for_the_database_only(services: dict[str, dict[str, Any]]) -> None:
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_the_proxy_logs_no_query_and_finds_containers_made_anew() -> None:
    lines = [line.split("#")[0].strip() for line in (ROOT / "deploy" / "nginx.conf").read_text().splitlines()]
    text = "\n".join(lines)
    # nginx writes the whole request into its lines of the level "error"; "crit" is above it.
    assert re.findall(r"error_log .*", text) == ["error_log /dev/stderr crit;"]
    assert "$request " not in text
    assert "$args" not in text
    assert "resolver 127.0.0.11 valid=10s;" in lines
    assert "upstream" not in text
    targets = re.findall(r"proxy_pass (\S+);", text)
    assert targets
    assert all(target.startswith("$") for target in targets), "a name in a variable is looked up again"

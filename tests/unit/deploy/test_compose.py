"""Tests of docker-compose.yml: valid by the compose specification, complete, and fit for `--scale`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.common.config import ALL_SERVICES, load_settings

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVERS = ("rabbitmq", "postgres")


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="docker compose is not installed: the specification's schema has to do",
)
def test_docker_compose_accepts_it() -> None:
    subprocess.run(["docker", "compose", "--file", str(FILE), "config", "--quiet"], check=True)


def test_it_holds_both_servers_the_preparation_and_every_service() -> None:
    assert set(COMPOSE["services"]) == {*SERVERS, "prepare", *ALL_SERVICES}


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_each_service_runs_the_one_image_under_its_own_name(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["command"] == ["serve", name]
    assert service["image"] == COMPOSE["services"]["prepare"]["image"]
    assert service["read_only"] is True


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_everything_can_be_scaled(name: str) -> None:
    service = COMPOSE["services"][name]
    assert "container_name" not in service
    assert ("ports" in service) == (name == "gateway")


@pytest.mark.parametrize("name", [*ALL_SERVICES, *SERVERS])
def test_everything_that_stays_has_a_health_check(name: str) -> None:
    assert COMPOSE["services"][name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_services_wait_for_healthy_servers_and_the_preparation(name: str) -> None:
    conditions = {key: value["condition"] for key, value in COMPOSE["services"][name]["depends_on"].items()}
    assert conditions == {
        "prepare": "service_completed_successfully",
        "rabbitmq": "service_healthy",
        "postgres": "service_healthy",
    }


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_a_service_sees_its_own_keys_only_and_may_not_change_them(name: str) -> None:
    keys = [volume for volume in COMPOSE["services"][name]["volumes"] if volume.startswith("keys")]
    assert keys == [f"keys_{name}:/var/lib/credit/keys:ro"]


def test_the_environment_is_one_that_the_settings_accept() -> None:
    settings = load_settings(
        {key: _default(value) for key, value in COMPOSE["services"]["gateway"]["environment"].items()}
    )
    assert settings.amqp_uri == "amqp://credit:credit@rabbitmq:5672/"
    assert settings.database("limits") == "postgresql+psycopg2://credit:credit@postgres:5432/credit_limits"


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
        if not volume.startswith("/")
    }
    assert used == set(COMPOSE["volumes"])


def test_the_image_is_built_in_stages_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 3
    assert lines.index("USER credit") > lines.index(stages[-1])
    for name in ALL_SERVICES:
        assert f"handout/{name}" in "\n".join(lines)


def _default(value: str) -> str:
    """What compose makes of `${NAME:-default}` when the environment says nothing."""
    while "${" in value:
        before, _, rest = value.partition("${")
        inner, _, after = rest.partition("}")
        value = before + inner.partition(":-")[2] + after
    return value

"""deploy/compose.yaml, as far as it can be checked without a container engine: what it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names

from emorec.settings import Settings
from flows.up import PARTS

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
KEYS = {
    *("build", "command", "depends_on", "deploy", "entrypoint", "environment", "healthcheck", "image", "init"),
    *("ports", "profiles", "restart", "stop_grace_period", "volumes"),
}
"""Those keys of a service in the Compose Specification that the file has use for."""
LOOKED_UP = re.compile(r"\$\{(\w+)(:\?|:-)?[^}]*\}")
EXAMPLE = dict(line.split("=", 1) for line in (DEPLOY / "env.example").read_text().splitlines() if "=" in line)


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Of a service, with a value for each variable that an operator gives."""

    def value(found: re.Match[str]) -> str:
        default = found[0].partition(":-")[2].removesuffix("}")
        return default or EXAMPLE.get(found[1]) or "given"

    return {name: LOOKED_UP.sub(value, text) for name, text in service.get("environment", {}).items()}


def test_the_worker_with_a_gpu_is_built_with_what_a_gpu_needs() -> None:
    extras = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = SERVICES["gpu-worker"]["build"]["args"]["EXTRAS"].split(",")
    assert {"gpu", "s3"} == set(wanted) <= set(extras)
    assert "args" not in SERVICES["worker"]["build"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_made_of_what_compose_knows_and_of_what_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KEYS
    assert ("image" in service) != ("build" in service)
    if "build" in service:
        context = (DEPLOY / service["build"]["context"]).resolve()
        assert (context / service["build"]["dockerfile"]).is_file()
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source.startswith("$") or source in COMPOSE["volumes"]
    needed = service.get("depends_on", {})
    conditions = needed.items() if isinstance(needed, dict) else ((other, {}) for other in needed)
    for other, how in conditions:
        assert other in SERVICES
        assert how.get("condition") != "service_healthy" or "healthcheck" in SERVICES[other]


def test_nothing_listens_beyond_the_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_an_operator_must_give_is_in_the_example_and_nothing_else() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert {name for name, how in LOOKED_UP.findall(text) if how != ":-"} == set(EXAMPLE)
    # A secret without a value ends `docker compose` with its name.
    assert all(how for _, how in LOOKED_UP.findall(text))


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_takes_its_options(name: str) -> None:
    command = OURS[name]["command"]
    program = Path(sys.executable).with_name(command[0])
    # Whatever comes before --help is read first, and an option that there is not ends it.
    done = subprocess.run([program, *command[1:], "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    if "--parts" in command:
        assert set(command[command.index("--parts") + 1].split(",")) <= set(PARTS)


def test_an_option_that_there_is_not_would_be_seen() -> None:
    program = Path(sys.executable).with_name("emorec")
    done = subprocess.run([program, "up", "--part", "worker", "--help"], capture_output=True, timeout=120)
    assert done.returncode == 2


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_finds_in_its_environment_is_a_setting(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = environment(OURS[name])
    known = _get_valid_setting_names(PrefectSettings)
    assert {n for n in given if n.startswith("PREFECT_")} <= known
    for variable, text in given.items():
        monkeypatch.setenv(variable, text)
    settings = Settings.load()
    for variable in (n for n in given if n.startswith("EMOREC_")):
        # An unknown area would be passed over.
        value: Any = settings
        for part in variable.removeprefix("EMOREC_").lower().split("__"):
            value = getattr(value, part)
        assert str(value) == given[variable]


def test_the_parts_find_each_other() -> None:
    worker, server = environment(SERVICES["worker"]), environment(SERVICES["server"])
    assert worker["PREFECT_API_URL"] == "http://server:4200/api"
    assert re.match(
        r"postgresql\+asyncpg://prefect:given@database/prefect$", server["PREFECT_API_DATABASE_CONNECTION_URL"]
    )
    database = environment(SERVICES["database"])
    assert (database["POSTGRES_USER"], database["POSTGRES_DB"]) == ("prefect", "prefect")
    assert worker["AWS_ENDPOINT_URL"] == "http://storage:9000"
    assert "s/emorec" in SERVICES["bucket"]["command"][0]
    assert worker["EMOREC_STORE"].startswith("s3://emorec/")


def test_the_image_is_made_of_what_is_in_the_repository() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied
    assert all((DEPLOY.parent / word).exists() for word in copied)
    packages = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())
    assert set(packages["tool"]["setuptools"]["packages"]["find"]["include"]) <= {f"{word}*" for word in copied}
    [install] = [line for line in lines if "pip install" in line]
    assert '".[${EXTRAS}]"' in install
    [extra] = [line.partition("=")[2] for line in lines if line.startswith("ARG EXTRAS=")]
    assert extra in packages["project"]["optional-dependencies"]

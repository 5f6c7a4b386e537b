"""Settings of a container come from its environment."""

import re
from pathlib import Path

import pytest
import yaml
from plaster import get_settings

from streaming_system.cli.container import (
    VARIABLES,
    ContainerSettingError,
    load_variables,
    render_ini,
    write_private,
)
from streaming_system.config.ini import load_app_settings

TOP = Path(__file__).parents[3]
PRODUCTION = TOP / "production.ini"


def test_a_value_comes_from_a_variable_or_from_a_file(tmp_path):
    (tmp_path / "database").write_text("sqlite:///x\n")

    values = load_variables(
        {
            "STREAMING_DATABASE_FILE": str(tmp_path / "database"),
            "STREAMING_LISTEN": "0.0.0.0:8000",
            "STREAMING_SYSTEM_INI": "other.ini",
            "PATH": "/bin",
        }
    )

    assert values == {"STREAMING_DATABASE": "sqlite:///x", "STREAMING_LISTEN": "0.0.0.0:8000"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"STREAMING_DATABSE": "x"},
            "STREAMING_DATABSE is no setting; did you mean 'STREAMING_DATABASE'?",
        ),
        ({"STREAMING_VAR": ""}, "STREAMING_VAR needs one line of text as its value"),
        ({"STREAMING_VAR": "a\n[x]"}, "STREAMING_VAR needs one line of text as its value"),
        (
            {"STREAMING_VAR": "x", "STREAMING_VAR_FILE": "/y"},
            "STREAMING_VAR and STREAMING_VAR_FILE are both set; remove one",
        ),
        (
            {"STREAMING_VAR_FILE": "/missing"},
            "STREAMING_VAR_FILE: /missing cannot be read: No such file or directory",
        ),
    ],
)
def test_a_wrong_variable_is_one_line(environment, message):
    with pytest.raises(ContainerSettingError) as error:
        load_variables(environment)

    assert str(error.value) == message


def test_an_app_gets_the_settings_of_the_environment(tmp_path):
    site = tmp_path / "site.ini"

    write_private(
        site,
        render_ini(
            PRODUCTION,
            {
                "STREAMING_DATABASE": "postgresql+psycopg://u:p%40ss@db/site",
                "STREAMING_TRUSTED_PROXY": "172.30.0.2",
            },
        ),
    )

    settings = load_app_settings(site, "tracker")
    assert settings["sqlalchemy.url"] == "postgresql+psycopg://u:p%40ss@db/site"
    assert settings["config.public"] == str(TOP / "config.json")
    assert get_settings(str(site), "server:tracker")["trusted_proxy"] == "172.30.0.2"
    assert site.stat().st_mode & 0o777 == 0o600


def test_each_variable_sets_keys_of_production_ini():
    text = render_ini(PRODUCTION, dict.fromkeys(VARIABLES, "value"))

    assert text.count(" = value\n") == sum(len(keys) for keys in VARIABLES.values())


def test_files_of_containers_use_documented_settings_and_existing_secrets():
    texts = [path.read_text() for path in sorted((TOP / "conf/container").glob("*.*"))]
    compose = yaml.safe_load((TOP / "conf/container/compose.yaml").read_text())
    manual = (TOP / "docs/how-to/containers.md").read_text()

    used = {name for text in texts for name in re.findall(r"\bSTREAMING_[A-Z_]+", text)}
    assert {name.removesuffix("_FILE") for name in used} - {"STREAMING_SYSTEM_INI"} <= set(
        VARIABLES
    )
    assert [name for name in VARIABLES if f"| `{name}` |" not in manual] == []
    secrets = {name for each in compose["services"].values() for name in each.get("secrets", [])}
    assert secrets == set(compose["secrets"])


def test_kubernetes_manifests_restrict_each_container():
    manifests = list(yaml.safe_load_all((TOP / "conf/container/kubernetes.yaml").read_text()))
    pods = [each["spec"]["template"]["spec"] for each in manifests if each["kind"] == "Deployment"]

    assert len(pods) == 2
    for pod in pods:
        container = pod["containers"][0]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["readinessProbe"]["httpGet"]["path"].endswith("/readyz")
        assert {each["name"] for each in container["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        }

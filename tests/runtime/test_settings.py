from datetime import timedelta

import pytest

from controller.runtime.settings import (
    SettingField,
    Settings,
    SettingsError,
    setting_fields,
    texts_from_environment,
)
from controller.runtime.structured_logs import LogFormat


def test_only_the_cluster_id_must_be_given() -> None:
    assert Settings.from_texts({"cluster_id": "eu-1"}) == Settings(cluster_id="eu-1")
    with pytest.raises(SettingsError, match=r"--cluster-id or \$TENANT_OPERATOR_CLUSTER_ID is required"):
        Settings.from_texts({})


def test_texts_become_values() -> None:
    settings = Settings.from_texts(
        {
            "cluster_id": "eu-1",
            "namespaces": "acme, beta,",
            "workers": "8",
            "workers_per_account": "4",
            "workers_reserved": "2",
            "deep_check_interval": "1h30m",
            "resync_jitter": "0.2",
            "log_format": "json",
        }
    )
    assert settings.namespaces == ("acme", "beta")
    assert settings.workers == 8
    assert settings.deep_check_interval == timedelta(minutes=90)
    assert settings.resync_jitter == 0.2
    assert settings.log_format is LogFormat.JSON


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cluster_id", "Europe", "--cluster-id must be 1 to 16 characters"),
        ("cluster_id", "a" * 17, "--cluster-id must be 1 to 16 characters"),
        ("cluster_id", "", "--cluster-id must be .*; it is empty"),
        ("operator_namespace", "Not_A_Name", "--operator-namespace must be the name"),
        ("namespaces", "acme,-beta", "--namespaces must be the name"),
        ("workers", "many", "--workers must be a whole number; it is 'many'"),
        ("workers", "0", "--workers must be at least 1; it is 0"),
        ("workers_per_account", "65", "--workers-per-account must not be above workers"),
        ("workers_reserved", "64", "--workers-reserved must be 0 or more and below workers"),
        ("api_concurrency", "0", "--api-concurrency must be at least 1"),
        ("repairs_per_hour", "0", "--repairs-per-hour must be at least 1"),
        ("irreversible_per_hour", "-1", "--irreversible-per-hour must not be negative"),
        ("resync_jitter", "0.6", "--resync-jitter must be between 0 and 0.5"),
        ("number_poll_interval", "0s", "--number-poll-interval must be 1s or more; it is 0s"),
        ("retain_timeout", "10 minutes", "--retain-timeout must be a duration such as"),
        ("meta_base_url", "graph.facebook.com", "--meta-base-url must be a URL that begins with"),
        ("meta_api_version", "26", "--meta-api-version must be a version of the Graph API, such as v26.0"),
        ("probe_port", "70000", "--probe-port must be a port"),
        ("pairing_port", "-1", "--pairing-port must be a port"),
        ("pairing_port", "8080", "--pairing-port must not be the probe port"),
        ("log_format", "xml", "--log-format must be one of logfmt, json"),
        ("log_level", "loud", "--log-level must be one of debug, info, warning, error"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_possible(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_texts({"cluster_id": "eu-1"} | {name: text})


def test_the_environment_is_read_by_the_names_that_the_reference_shows() -> None:
    texts = texts_from_environment(
        {
            "TENANT_OPERATOR_CLUSTER_ID": "eu-1",
            "TENANT_OPERATOR_WORKERS": "",
            "POD_NAMESPACE": "ops",
            "HOME": "/",
        }
    )
    assert texts == {"cluster_id": "eu-1", "operator_namespace": "ops"}
    texts = texts_from_environment({"TENANT_OPERATOR_OPERATOR_NAMESPACE": "given", "POD_NAMESPACE": "ops"})
    assert texts == {"operator_namespace": "given"}


@pytest.mark.parametrize("setting", setting_fields(), ids=lambda setting: setting.flag)
def test_every_help_tells_the_default_and_the_default_can_be_given(setting: SettingField) -> None:
    assert setting.help.endswith(".")
    if setting.default is None:
        assert "Required." in setting.help
        return
    assert "Default: " in setting.help
    if setting.default:
        assert setting.default in setting.help
        assert setting.parse(setting.default) == getattr(Settings(cluster_id="eu-1"), setting.name)

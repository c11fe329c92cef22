"""The default client and its key."""

import pytest

import inductiva_widgets as inductiva
from inductiva_widgets.errors import ConfigurationError
from inductiva_widgets.http import default_client


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(default_client, "_default", None)
    monkeypatch.setenv("INDUCTIVA_API_URL", "http://service.invalid")
    monkeypatch.delenv("INDUCTIVA_API_KEY", raising=False)
    monkeypatch.setattr("inductiva_widgets.config.key_file", lambda: tmp_path / "api_key")


def test_key_is_set_and_read(capsys):
    assert inductiva.get_api_key() is None
    inductiva.set_api_key("key-one")
    assert inductiva.get_api_key() == "key-one"
    assert capsys.readouterr().out == ""
    inductiva.set_api_key("key-two", True)
    assert inductiva.get_api_key() == "key-two"
    assert capsys.readouterr().out == "The API key is used for http://service.invalid.\n"


def test_key_is_set_for_the_service_that_is_connected(monkeypatch):
    inductiva.connect("http://other.invalid", api_key="key-one")
    inductiva.set_api_key("key-two")
    assert default_client.default_client().url == "http://other.invalid"
    assert inductiva.get_api_key() == "key-two"


def test_key_of_the_environment_is_read_without_a_connection(monkeypatch):
    monkeypatch.setenv("INDUCTIVA_API_KEY", "key-of-the-shell")
    assert inductiva.get_api_key() == "key-of-the-shell"
    assert default_client._default is None


@pytest.mark.parametrize("key", [None, 3, "two words"])
def test_malformed_key_is_refused(key):
    with pytest.raises(ConfigurationError):
        inductiva.set_api_key(key)
    assert inductiva.get_api_key() is None

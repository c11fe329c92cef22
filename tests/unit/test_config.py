from pathlib import Path

import pytest

from inductiva_widgets import config
from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import ConfigurationError
from inductiva_widgets.http.default_client import connect, default_client
from tests.unit.conftest import CANARY


def test_no_key_names_both_ways_out():
    with pytest.raises(ConfigurationError) as caught:
        connect()
    assert "INDUCTIVA_API_KEY" in str(caught.value)
    assert 'connect("local")' in str(caught.value)


def test_key_order_is_argument_environment_file(monkeypatch):
    file = config.key_file()
    file.parent.mkdir(parents=True)
    file.write_text("from-file\n")
    assert config.find_api_key().reveal() == "from-file"
    monkeypatch.setenv("INDUCTIVA_API_KEY", "from-env")
    assert config.find_api_key().reveal() == "from-env"
    assert config.find_api_key(Secret("from-argument")).reveal() == "from-argument"


def test_empty_environment_variable_falls_through_to_the_file(monkeypatch):
    config.key_file().parent.mkdir(parents=True)
    config.key_file().write_text("from-file")
    monkeypatch.setenv("INDUCTIVA_API_KEY", "")
    assert config.find_api_key().reveal() == "from-file"


@pytest.mark.parametrize("key", ["with space", "with\nline", "ä", "a/b"])
def test_malformed_key_is_refused_without_being_shown(key):
    with pytest.raises(ConfigurationError, match="must consist of") as caught:
        connect(api_key=key)
    assert key not in str(caught.value)


def test_unreadable_key_file_is_told():
    config.key_file().mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        config.find_api_key()


@pytest.mark.parametrize(
    "url", ["api.inductiva.ai", "ftp://x", "http://", "http://x:port", "lokal"]
)
def test_malformed_address_is_refused(url):
    with pytest.raises(ConfigurationError, match="address"):
        connect(url, api_key="k")


def test_address_order_is_argument_environment_default(monkeypatch):
    assert connect(api_key="k").url == config.DEFAULT_API_URL
    monkeypatch.setenv("INDUCTIVA_API_URL", "http://127.0.0.1:1/")
    assert connect(api_key="k").url == "http://127.0.0.1:1"
    assert connect("http://127.0.0.1:2", api_key="k").url == "http://127.0.0.1:2"


def test_only_the_real_service_has_a_catalogue_elsewhere(monkeypatch):
    assert connect(api_key="k").settings.catalogue_url == config.DEFAULT_CATALOGUE_URL
    assert connect("http://127.0.0.1:2", api_key="k").settings.catalogue_url == "http://127.0.0.1:2"
    monkeypatch.setenv("INDUCTIVA_MACHINES_CATALOGUE_API_URL", "http://127.0.0.1:3")
    assert connect("http://127.0.0.1:2", api_key="k").settings.catalogue_url == "http://127.0.0.1:3"


def test_key_is_in_no_repr():
    client = connect("http://127.0.0.1:2", api_key=CANARY)
    for value in (client, client.settings, client.transport):
        assert CANARY not in repr(value)


def test_connect_sets_the_default_client(monkeypatch):
    client = connect("http://127.0.0.1:2", api_key="k")
    assert default_client() is client


def test_default_client_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("INDUCTIVA_API_KEY", "k")
    assert default_client().url == config.DEFAULT_API_URL


def test_output_dir_comes_from_the_environment(monkeypatch):
    assert str(config.output_dir()) == "inductiva_output"
    monkeypatch.setenv("INDUCTIVA_OUTPUT_DIR", "elsewhere")
    assert str(config.output_dir()) == "elsewhere"


def test_cache_is_where_the_variable_says_or_the_system_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("INDUCTIVA_CACHE_DIR", "~/mine")
    assert config.cache_dir() == Path.home() / "mine"
    monkeypatch.delenv("INDUCTIVA_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert config.cache_dir() == tmp_path / "inductiva-widgets"
    # By the standard, a path that is not absolute is as none.
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert config.cache_dir() == Path.home() / ".cache" / "inductiva-widgets"
    monkeypatch.setattr("sys.platform", "darwin")
    assert config.cache_dir() == Path.home() / "Library" / "Caches" / "inductiva-widgets"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert config.cache_dir() == tmp_path / "inductiva-widgets" / "Cache"

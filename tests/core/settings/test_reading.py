"""Settings are read, or refused with the place named."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.locations import find_locations
from core.offline.models import EMBEDDED
from core.providers.profiles import BUILT_IN
from core.settings import (
    Settings,
    load_settings,
)
from core.settings.model import BUILT_IN_PROVIDERS
from tests.core.settings.conftest import refusal


def test_a_missing_file_means_the_defaults(file: Path) -> None:
    settings = load_settings(file)
    assert settings == Settings()
    assert settings.chat.model is None
    assert settings.network.stall_notice == 5
    assert settings.network.stall_timeout == 60
    assert settings.interface.fps == 30
    assert settings.routing.strategy == "least_latency"
    assert not file.exists()


def test_without_a_path_the_users_file_is_read() -> None:
    path = find_locations().settings_file
    path.parent.mkdir(parents=True)
    path.write_text("interface.mouse = false")
    assert load_settings().interface.mouse is False


def test_every_section_is_read(file: Path) -> None:
    file.write_text(
        """
        [chat]
        model = "smart"
        temperature = 0
        reasoning_effort = "low"
        [routing]
        strategy = "lowest_cost"
        [keymap]
        "chat.stop" = "escape,ctrl+x"
        [storage]
        url = "sqlite:////tmp/x.db"
        [[providers]]
        name = "mine"
        base_url = "http://10.0.0.2:8000/v1/"
        key_variable = "MINE_API_KEY"
        [[routes]]
        model = "llama-70b"
        endpoints = [{ provider = "groq" }, { provider = "mine", model = "llama3", priority = 1, weight = 2 }]
        """
    )
    settings = load_settings(file)
    assert settings.chat.model == "smart"
    assert settings.chat.temperature == 0
    assert settings.chat.reasoning_effort == "low"
    assert settings.routing.strategy == "lowest_cost"
    assert settings.keymap == {"chat.stop": "escape,ctrl+x"}
    assert settings.providers[0].base_url == "http://10.0.0.2:8000/v1"
    second = settings.routes[0].endpoints[1]
    assert (second.provider, second.model, second.priority, second.weight) == ("mine", "llama3", 1, 2)


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[chat]\r\nmodel = "fast"\r\n')
    assert load_settings(file).chat.model == "fast"


def test_the_environment_names_the_database_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[storage]\nurl = "sqlite:///a.db"')
    assert load_settings(file).storage.url == "sqlite:///a.db"
    monkeypatch.setenv("TENSORWALL_DATABASE_URL", "postgresql+psycopg://db/x")
    assert load_settings(file).storage.url == "postgresql+psycopg://db/x"
    monkeypatch.setenv("TENSORWALL_DATABASE_URL", "")
    assert load_settings(file).storage.url == "sqlite:///a.db"


@pytest.mark.parametrize("name", ["CHAT", "CHAT__MODEL", "NETWORK", "chat", "ROUTES", "KEYMAP"])
def test_no_other_variable_has_a_say(monkeypatch: pytest.MonkeyPatch, file: Path, name: str) -> None:
    monkeypatch.setenv(name, '{"model": "x"}')
    assert load_settings(file) == Settings()


def test_routes_may_name_the_built_in_providers_and_the_files_own(file: Path) -> None:
    assert (*(profile.name for profile in BUILT_IN), EMBEDDED) == BUILT_IN_PROVIDERS
    file.write_text(
        "[[providers]]\nname = 'mine'\nbase_url = 'http://a/v1'\n"
        "[[routes]]\nmodel = 'a*'\nendpoints = [{ provider = 'mine' }, { provider = 'lm-studio' }]\n"
    )
    (route,) = load_settings(file).routes
    assert [endpoint.provider for endpoint in route.endpoints] == ["mine", "lm-studio"]


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("\n[chat]\n\ntemprature = 1\n", 4, "chat.temprature", "Did you mean temperature?"),
        ("[chatt]\n", 1, "chatt", "Did you mean chat?"),
        ("[chat]\ntemperature = 'hot'\n", 2, "chat.temperature", "number from 0 up to 2"),
        ("[chat]\ntemperature = 2.5\n", 2, "chat.temperature", "number from 0 up to 2"),
        ("[chat]\nmodel = ''\n", 2, "chat.model", "should not be empty"),
        ("[chat]\nmodel = 1\n", 2, "chat.model", "text"),
        ("[chat]\nmax_completion_tokens = 1.5\n", 2, "chat.max_completion_tokens", "whole number from 1"),
        (
            "[chat]\nreasoning_effort = 'huge'\n",
            2,
            "chat.reasoning_effort",
            "one of none, minimal, low, medium, high",
        ),
        ("chat.show_reasoning = 'yes'", 1, "chat.show_reasoning", "true or false"),
        ("chat = 1", 1, "chat", "table"),
        ("[interface]\nmouse = true\nfps = 1_000\n", 3, "interface.fps", "from 5 up to 120"),
        ("[network]\nconnect_timeout = 0\n", 2, "network.connect_timeout", "above 0"),
        ("[network]\nconnect_timeout = inf\n", 2, "network.connect_timeout", "up to 3600"),
        ("[network]\nconnect_timeout = nan\n", 2, "network.connect_timeout", "number"),
        ("[keymap]\n# c\n'a.b' = ['x']\n", 3, "keymap.a.b", "text in quotes"),
        ("[[providers]]\nname = 'a'\n", 1, "providers[1].base_url", "missing"),
        (
            "[[providers]]\nname='a'\nbase_url='http://a'\n\n[[providers]]\nname='b'\nbase_url='nonsense'\n",
            7,
            "providers[2].base_url",
            "does not begin with http:// or https://",
        ),
        ("[[providers]]\nname = 'My Server'\nbase_url = 'http://a'\n", 2, "providers[1].name", "pattern"),
        ("[[routes]]\nmodel = 'a'\nendpoints = []\n", 3, "routes[1].endpoints", "at least 1"),
        (
            "[[routes]]\nmodel = 'a'\nendpoints = [\n"
            "  { provider = 'groq' },\n\n  # two\n  { provider = 'x', wieght = 2 },\n]\n",
            7,
            "routes[1].endpoints[2].wieght",
            "Did you mean weight?",
        ),
        (
            "[[routes]]\nmodel = 'a'\n[[routes.endpoints]]\nprovider = 'groq'\n"
            "[[routes.endpoints]]\nprovider = 'x'\npriority = -1\n",
            7,
            "routes[1].endpoints[2].priority",
            "from 0",
        ),
        (
            "[[routes]]\nmodel = 'a'\nendpoints = [{ provider = 'groq' }]\n\n"
            "[[routes]]\nmodel = 'b'\n[[routes.endpoints]]\nmodel = 'x'\nprovider = 'goq'\n",
            9,
            "routes[2].endpoints[1].provider",
            "there is no provider 'goq'. Known: groq, openai",
        ),
        (
            "[[routes]]\nmodel = 'a*b'\nendpoints = [{ provider = 'groq' }]\n",
            2,
            "routes[1].model",
            "pattern",
        ),
        ("routes = 'groq'\n", 1, "routes", "array"),
        ("_env_file = 'x'\n", 1, "_env_file", "no such setting"),
        ("a-b = 1\n", 1, "a-b", "Known here: chat, routing"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line_and_what_is_allowed(
    file: Path, text: str, line: int, key: str, said: str
) -> None:
    error = refusal(file, text)
    assert (error.line, error.key) == (line, key)
    assert said in str(error)
    assert str(error).startswith(f"{file}:{line}: {key}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[chat\n", 1),
        ("[chat]\nmodel\n", 2),
        ("[chat]\nmodel = smart\n", 2),
        ("[chat]\nmodel = 'a'\nmodel = 'b'\n", 3),
        ("[chat]\n\n[chat]\n", 3),
        ("[chat]\nmodel = 'a\n", 2),
        ("routes = [\n  1,\n", 2),
        ('x = """\nnever closed\n\n', 2),
    ],
)
def test_what_is_not_toml_is_named_with_its_line(file: Path, text: str, line: int) -> None:
    error = refusal(file, text)
    assert error.line == line
    assert "not TOML" in str(error)
    assert error.hint


def test_several_mistakes_name_the_first_and_count_the_rest(file: Path) -> None:
    error = refusal(file, "[interface]\nfps = 0\n[chat]\ntemperature = 9\nmodle = 'x'\n")
    assert error.line == 2
    assert "2 more settings are wrong" in str(error)


def test_text_in_another_encoding_is_named_with_its_line(file: Path) -> None:
    assert refusal(file, b'[chat]\n# ok\nsystem_prompt = "caf\xe9"\n').line == 3


def test_a_file_that_cannot_be_read_is_said(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(file)


def test_secrets_stay_out_of_refusals(file: Path) -> None:
    secret = "gsk_abcdefghijklmnopqrstuvwxyz"
    assert secret not in str(refusal(file, f"[chat]\ntemperature = '{secret}'"))
    assert secret not in str(refusal(file, f"key = {secret}"))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    from core.settings.load import parse_settings

    line: int | None = 1
    try:
        parse_settings(text)
    except ConfigurationError as error:
        line = error.line
    assert line is not None
    assert 1 <= line <= text.count("\n") + 1


def test_a_key_cannot_act_on_the_terminal(file: Path) -> None:
    assert "\x1b" not in str(refusal(file, '"\\u001b[2J" = 1'))
    assert "\x1b" not in str(refusal(file, '"_\\u001b[2J" = 1'))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[tools.mcp.a]\ncomand = "x"',
            ":2: tools.mcp.a.comand: there is no such setting. Did you mean command",
        ),
        ("[tools.mcp.a]\nenabled = true", ":1: tools.mcp.a: a table needs either a command or a url."),
        ('[tools.mcp.a]\ncommand = "x"\nenabled = 3', ":3: tools.mcp.a.enabled: 3 should be true or false."),
        ('[tools.mcp.a]\nurl = "ftp://x"', ":2: tools.mcp.a.url: "),
    ],
)
def test_mistakes_in_tables_of_the_user_s_own_name_are_named_like_others(
    file: Path, text: str, says: str
) -> None:
    assert says in str(refusal(file, text))


def test_locations_and_credentials_come_without_the_settings_library() -> None:
    script = (
        "import sys, core.credentials, core.locations;"
        "print([name for name in ('pydantic', 'keyring', 'tomlkit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_settings_needs_neither_tomlkit_nor_keyring() -> None:
    script = (
        "import sys, core.settings; core.settings.load_settings();"
        "print([name for name in ('keyring', 'tomlkit', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

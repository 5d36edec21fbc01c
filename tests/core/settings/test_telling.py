"""Every setting is explained, in the template and in a list."""

from pathlib import Path

from core.settings import (
    Settings,
    config_template,
    describe_settings,
    load_settings,
)


def test_the_template_explains_every_setting_and_changes_none(file: Path) -> None:
    template = config_template()
    file.write_text(template)
    assert load_settings(file) == Settings()
    for info in describe_settings():
        assert info.path[-1] in template


def test_the_template_works_with_every_line_uncommented_that_has_a_value(file: Path) -> None:
    lines = []
    for line in config_template().splitlines():
        bare = line.removeprefix("# ")
        is_setting = " = " in bare and "(" not in bare
        lines.append(bare if is_setting or bare.startswith(("[[", "[tools.mcp.", "  {", "]")) else line)
    file.write_text("\n".join(lines))
    settings = load_settings(file)
    assert settings.providers[0].name == "mine"
    assert [endpoint.provider for endpoint in settings.routes[0].endpoints] == ["groq", "openai"]
    assert settings.tools.mcp["files"].command == "npx"
    assert settings.chat == Settings().chat


def test_every_setting_is_explained() -> None:
    described = describe_settings()
    assert len(described) == len({info.key for info in described}) > 25
    for info in described:
        assert info.description.endswith("."), info.key
        assert info.allowed, info.key
    by_key = {info.key: info for info in described}
    assert by_key["routing.strategy"].choices[0] == "round_robin"
    assert by_key["interface.fps"].default == 30
    assert by_key["routes.endpoints.weight"].allowed == "number above 0"
    assert by_key["providers.base_url"].allowed == "an http:// or https:// address"

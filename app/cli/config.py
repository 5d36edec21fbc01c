"""`tensorwall config`: where the settings are, what they are, and changing one."""

from __future__ import annotations

import tomllib

import click
from click.shell_completion import CompletionItem

from app.cli.output import emit, emit_json, note
from core.errors import ConfigurationError, InputError

__all__ = ("config",)


def _complete_key(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    from core.settings import describe_settings

    return [
        CompletionItem(info.key, help=info.description)
        for info in describe_settings()
        if info.key.startswith(typed)
    ]


key_argument = click.argument("key", shell_complete=_complete_key)


@click.group()
def config() -> None:
    """Show and change the settings.

    They live in config.toml; `tensorwall config init` writes one that explains every setting.
    """


@config.command()
def path() -> None:
    """Print where the settings file is."""
    from core.locations import find_locations

    emit(str(find_locations().settings_file))


@config.command()
@click.option(
    "--format", "form", type=click.Choice(["toml", "json"]), default="toml", help="As the file, or JSON."
)
def show(*, form: str) -> None:
    """Show the settings in force: the file's, the environment's and the defaults."""
    from core.settings import load_settings

    settings = load_settings()
    if form == "json":
        emit_json(settings.model_dump(mode="json"))
        return
    import tomlkit

    known = settings.model_dump(mode="json", exclude_none=True)  # TOML has no null
    emit(tomlkit.dumps(known).rstrip("\n"))


@config.command()
def init() -> None:
    """Write a settings file that explains every setting and changes none."""
    from core.files import replace_file
    from core.locations import find_locations
    from core.settings import config_template

    place = find_locations().settings_file
    if place.exists():
        raise InputError(f"{place} exists already.", hint="Edit it, or move it away first.")
    try:
        replace_file(place, config_template())
    except OSError as error:
        raise ConfigurationError(f"The file cannot be written: {error.strerror}.", file=place) from None
    emit(str(place))


@config.command("set")
@key_argument
@click.argument("value")
def set_(*, key: str, value: str) -> None:
    """Set KEY (such as chat.model) to VALUE; comments in the file stay.

    VALUE is read as TOML (true, 0.3, [...]); what is none is text.
    """
    from core.settings import describe_settings, save_setting

    info = next((info for info in describe_settings() if info.key == key), None)
    takes_text = key.startswith("keymap.") or (info is not None and "text" in info.allowed.split(" "))
    save_setting(None, key, value if takes_text else _toml_value(value))
    note(f"{key} = {value}")


@config.command()
@key_argument
def unset(*, key: str) -> None:
    """Remove KEY from the file, so that its default holds."""
    from core.settings import save_setting

    save_setting(None, key, None)


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text

"""The settings: sections as in ``config.toml``, each setting explained by the docstring under it.

The docstrings are also what ``config_template`` and the settings screen show.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.chat import ReasoningEffort
from core.credentials import address_problem

__all__ = (
    "BUILT_IN_PROVIDERS",
    "BudgetSettings",
    "ChatSettings",
    "EndpointSettings",
    "GatewaySettings",
    "InterfaceSettings",
    "LimitSettings",
    "McpServerSettings",
    "NetworkSettings",
    "OfflineSettings",
    "ProviderSettings",
    "RouteSettings",
    "RoutingSettings",
    "Settings",
    "StorageSettings",
    "StrategyName",
    "ToolSettings",
    "VoiceSettings",
)

DATABASE_VARIABLE = "TENSORWALL_DATABASE_URL"

BUILT_IN_PROVIDERS = ("groq", "openai", "ollama", "lm-studio", "llama-cpp", "embedded")
"""What routes may name without declaring it."""

StrategyName = Literal["round_robin", "weighted", "least_latency", "random", "lowest_cost"]


def _check_address(value: str) -> str:
    if problem := address_problem(value):
        raise ValueError(problem)
    return value.rstrip("/")


ADDRESS_CHECK = AfterValidator(_check_address)
Address = Annotated[str, ADDRESS_CHECK]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


def _exact_dollars(value: object) -> object:
    """TOML's numbers as they are written: 0.1 is a tenth, which no binary fraction is."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


Dollars = Annotated[
    Decimal,
    BeforeValidator(_exact_dollars),
    PlainSerializer(float, when_used="json"),  # as it is written in the file
    Field(gt=0, le=1_000_000),
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ChatSettings(_Section):
    """What is asked of the model."""

    model: str | None = Field(default=None, min_length=1)
    """Model, alias or route of a new conversation; by default the catalogue's choice."""
    system_prompt: str = ""
    """Instructions that open every new conversation."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How much chance is in an answer; by default the provider's value."""
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """The longest answer in tokens, reasoning included; by default what model and limits allow."""
    reasoning_effort: ReasoningEffort | None = None
    """How long a reasoning model thinks; by default the model's own value."""
    show_reasoning: bool = False
    """Show the model's reasoning unfolded."""
    titles: Literal["model", "first_words"] = "model"
    """Name conversations by a cheap model call, or by their first words."""


class EndpointSettings(_Section):
    """One place that can answer for a route."""

    provider: Name
    """One of groq, openai, ollama, lm-studio, llama-cpp, embedded and your [[providers]]."""
    model: str | None = Field(default=None, min_length=1)
    """What this provider calls the model; by default the catalogue's name for the alias."""
    priority: int = Field(default=0, ge=0)
    """A lower number is used while it is healthy."""
    weight: float = Field(default=1, gt=0)
    """Share of the calls within one priority, for the weighted strategy."""
    base_url: Address | None = None
    """Address to use in place of the provider's own."""


class RouteSettings(_Section):
    """A name to ask for, and who answers it."""

    model: str = Field(min_length=1, pattern=r"^[^*]*\*?$")
    """The name; one that ends in * stands for all names that begin so."""
    endpoints: list[EndpointSettings] = Field(min_length=1)
    """Who answers."""


class ProviderSettings(_Section):
    """A server that speaks OpenAI's chat API."""

    name: Name
    """What routes call it."""
    base_url: Address
    """Its address, up to and including /v1."""
    key_variable: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds its key, if it needs one."""
    label: str | None = None
    """What the screen calls it."""


class RoutingSettings(_Section):
    """How the router chooses."""

    strategy: StrategyName = "least_latency"
    """How to choose among healthy endpoints of one priority."""
    hedging: bool = True
    """Ask a second endpoint, too, where the first is slow to begin; for one request in twenty at most."""


class InterfaceSettings(_Section):
    """How the screen looks and behaves."""

    theme: str = Field(default="tensorwall", min_length=1)
    """Colours of the screen; the command palette lists the themes."""
    mouse: bool = True
    """React to the mouse; off leaves selecting text to the terminal."""
    copy_on_select: bool = False
    """Copy text as soon as it is selected."""
    sparkline: bool = True
    """Draw the recent speed beside the tokens a second."""
    fps: int = Field(default=30, ge=5, le=120)
    """How often a streaming answer is drawn, in frames a second."""


class NetworkSettings(_Section):
    """Patience with the network; proxies are taken from the environment (HTTPS_PROXY, NO_PROXY)."""

    connect_timeout: Seconds = 5.0
    """Seconds to open a connection."""
    stall_notice: Seconds = 5.0
    """Seconds of silence after which a stall is shown."""
    stall_timeout: Seconds = 60.0
    """Seconds of silence after which an endpoint is left for the next; without another the answer ends."""


class OfflineSettings(_Section):
    """Answers without a network: a local server that runs, or else a small model of this machine."""

    takes_over: bool = True
    """Answer by these while no provider can be reached."""
    model: str = Field(default="smollm2-135m", min_length=1)
    """Model of this machine, by a name that ``tensorwall offline`` lists or as a GGUF file."""
    window: int = Field(default=4096, ge=512, le=131_072)
    """Tokens that its prompt and answer may take together; memory grows with it."""


class StorageSettings(_Section):
    """Where conversations and spend are kept."""

    url: str | None = Field(default=None, min_length=1)
    """Database as an SQLAlchemy URL; by default SQLite in the data folder.

    TENSORWALL_DATABASE_URL goes first.
    """


class LimitSettings(_Section):
    """How much may be spent in one period, in US dollars."""

    soft: Dollars | None = None
    """US dollars after which one warning is given."""
    hard: Dollars | None = None
    """US dollars that are never exceeded: a call that may cost more than is left is not made."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.soft is not None and self.hard is not None and self.soft > self.hard:
            raise PydanticCustomError("soft_above_hard", "has a soft limit above the hard one")
        return self


class BudgetSettings(_Section):
    """What may be spent; days, weeks (from Monday) and months by this machine's clock."""

    session: LimitSettings = LimitSettings()
    """For each conversation."""
    day: LimitSettings = LimitSettings()
    """From midnight to midnight."""
    week: LimitSettings = LimitSettings()
    """From Monday to Sunday."""
    month: LimitSettings = LimitSettings()
    """For each calendar month."""
    unknown_prices: Literal["refuse", "allow"] = "refuse"
    """What a hard limit does with a call whose price is unknown, so that it cannot be counted."""


class VoiceSettings(_Section):
    """Talking and listening."""

    mode: Literal["auto", "hold", "toggle", "hands_free", "off"] = "auto"
    """How to talk: hold the talk key, tap it to start and stop, or just speak.

    ``auto`` holds where the terminal reports key releases and taps where it does not.
    """
    auto_send: Literal["hold", "always", "never"] = "hold"
    """Send what was said without a further key: after holding the key and hands-free, always, or never."""
    speak: Literal["spoken", "always", "never"] = "spoken"
    """Read answers aloud: to spoken questions, to all, or to none."""
    patience: float = Field(default=1.5, ge=0.3, le=6)
    """Seconds of silence after which an unfinished sentence is taken as finished, hands-free."""
    barge_in: bool = True
    """Speaking interrupts the answer that is read aloud."""
    echo: Literal["cancel", "half_duplex", "off"] = "cancel"
    """The assistant's own voice in the microphone: cancel it, rest the microphone meanwhile, or let it in."""
    speculate: bool = True
    """Ask the model before it is certain that you have finished; what that costs is shown."""
    cap: float = Field(default=120, ge=5, le=600)
    """Seconds after which one recording ends by itself."""
    chat_model: str | None = Field(default=None, min_length=1)
    """Model that answers spoken questions; by default the quickest to its first word."""
    transcriber: Literal["auto", "local", "groq"] = "auto"
    """Who turns speech into text: this machine, Groq (audio leaves the machine), or whichever works."""
    model: str = Field(default="base", min_length=1)
    """Whisper model that runs on this machine: a name such as tiny.en or small, or a folder."""
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    """Language you speak, such as en or de; by default it is detected once."""
    vocabulary: list[str] = Field(default_factory=list)
    """Names and terms to listen for."""
    synthesiser: Literal["local", "groq"] = "local"
    """Who reads aloud: the voices of this system, or Groq's (text leaves the machine, and it costs)."""
    voice: str | None = Field(default=None, min_length=1)
    """Voice that reads aloud, as ``tensorwall say --voices`` lists them."""
    rate: int = Field(default=175, ge=80, le=450)
    """Words a minute of the voice."""
    volume: float = Field(default=1.0, ge=0, le=1)
    """Loudness of the voice."""
    microphone: str | None = Field(default=None, min_length=1)
    """Microphone by its name; by default the system's."""
    speaker: str | None = Field(default=None, min_length=1)
    """Speaker by its name; by default the system's."""
    hotkey: str | None = Field(default=None, min_length=1)
    """Key that talks from any window, such as <ctrl>+<alt>+space; needs the hotkey extra."""


class McpServerSettings(_Section):
    """A server whose tools the model may call (https://modelcontextprotocol.io); needs the mcp extra."""

    command: str | None = Field(default=None, min_length=1)
    """The program to start."""
    args: list[str] = Field(default_factory=list)
    """What the program is started with."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the program; it gets no others of yours but a few such as PATH."""
    url: Address | None = None
    """The server's address, where it is not a program to start."""
    enabled: bool = False
    """Connect to it."""

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise PydanticCustomError("mcp_place", "needs either a command or a url")
        return self


class ToolSettings(_Section):
    """What the model may call; whatever has an effect asks first."""

    enabled: list[str] = Field(default_factory=lambda: ["*"])
    """Names of the tools the model may call; * stands for anything. An empty list turns tools off."""
    fetch: bool = False
    """Let the model ask to fetch pages of the public web."""
    steps: int = Field(default=8, ge=1, le=100)
    """How often the model may call tools before it has to answer."""
    unknown_models: bool = False
    """Offer tools also to models of which it is not known that they can call any, as of local servers."""
    mcp: dict[Name, McpServerSettings] = Field(default_factory=dict)
    """MCP servers, each a table [tools.mcp.NAME]."""


class GatewaySettings(_Section):
    """The local endpoint that ``tensorwall serve`` runs."""

    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    allowed_hosts: list[str] = Field(default_factory=list)
    """Further names by which it may be called, such as gateway.home.example."""
    allowed_origins: list[str] = Field(default_factory=list)
    """Sites whose pages may call it, such as http://localhost:3000."""
    max_body_mb: int = Field(default=32, ge=1, le=1024)
    """The largest request in MiB, pictures and recordings included."""
    client_timeout: float = Field(default=60, ge=0.1, le=3600)
    """Seconds to wait for a client: for a request's headers, for its body, and to read an answer."""
    most_at_once: int = Field(default=2000, ge=1, le=100_000)
    """Requests under way at the same time in one process; further ones are refused for the moment."""
    patience: float = Field(default=10, ge=0, le=600)
    """Seconds a request may wait, in all, for a limited route; then the client is told to come again."""
    grace: int = Field(default=10, ge=0, le=600)
    """Seconds that running answers have to end once the gateway is told to stop."""


class _Environment(PydanticBaseSettingsSource):
    """The one setting that the environment may override."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked: this source answers as a whole."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """The database's URL, where it is set."""
        url = os.environ.get(DATABASE_VARIABLE, "").strip()
        return {"storage": {"url": url}} if url else {}


class Settings(BaseSettings):
    """All settings; ``Settings()`` has the defaults and the environment's overrides."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", strict=True)

    chat: ChatSettings = ChatSettings()
    routing: RoutingSettings = RoutingSettings()
    interface: InterfaceSettings = InterfaceSettings()
    keymap: dict[str, str] = Field(default_factory=dict)
    """Keys by the binding's id, as the help screen lists them; several keys are separated by commas."""
    voice: VoiceSettings = VoiceSettings()
    network: NetworkSettings = NetworkSettings()
    offline: OfflineSettings = OfflineSettings()
    storage: StorageSettings = StorageSettings()
    budgets: BudgetSettings = BudgetSettings()
    tools: ToolSettings = ToolSettings()
    gateway: GatewaySettings = GatewaySettings()
    providers: list[ProviderSettings] = Field(default_factory=list)
    """Servers of your own, by any base URL."""
    routes: list[RouteSettings] = Field(default_factory=list)
    """Names with their own set of endpoints."""

    @model_validator(mode="after")
    def _check_routes(self) -> Self:
        """Every endpoint names a provider there is."""
        known = (*BUILT_IN_PROVIDERS, *(provider.name for provider in self.providers))
        problems = [
            InitErrorDetails(
                type=PydanticCustomError("unknown_provider", "is no provider", {"known": ", ".join(known)}),
                loc=("routes", number, "endpoints", place, "provider"),
                input=endpoint.provider,
            )
            for number, route in enumerate(self.routes)
            for place, endpoint in enumerate(route.endpoints)
            if endpoint.provider not in known
        ]
        if problems:
            raise ValidationError.from_exception_data("Settings", problems)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment's one override goes before the file, which is given to the constructor."""
        return _Environment(settings_cls), init_settings

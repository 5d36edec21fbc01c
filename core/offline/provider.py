"""The model of this machine as a provider: loaded on the first call, spoken to like any other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from core.chat import ChatRequest, ChatResponse, Event
from core.chat.events import ModelLoading
from core.errors import ConnectionFailed, OfflineUnavailable, TensorWallError
from core.extras import install_command
from core.offline.fitting import LONGEST_ANSWER, fitted
from core.offline.models import EMBEDDED, LocalModel, find_model, is_installed, model_label
from core.offline.server import LlamaServer, Running
from core.providers import ModelRule, OpenAICompatibleProvider, ProviderProfile, RemoteModel, Warmth

__all__ = ("EmbeddedProvider",)

_SAMPLING = {"temperature": 0.2, "top_p": 0.9}
"""As SmolLM2's makers ask it (https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct): left to more
chance, a model this small soon writes nonsense."""


class EmbeddedProvider:
    """Answers by llama.cpp on this machine; implements ``core.providers.Provider``, for one event loop.

    What does not fit into the model's window, or is nothing for it (images, tools), is left out.

    Args:
        model: a name that is known, or the path of a GGUF file.
        window: tokens that prompt and answer may take together, at most; memory grows with it.
        models_dir: where models that are known by name are kept.
    """

    def __init__(self, model: str, *, window: int, models_dir: Path) -> None:
        self._wanted = model
        self._window = window
        self._models_dir = models_dir
        self._server: LlamaServer | None = None
        self._wire: tuple[Running, OpenAICompatibleProvider] | None = None
        self.label = model_label(model)
        """The model's name for people."""
        self.profile = _profile(self.label)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._wanted}>"

    @property
    def name(self) -> str:
        """Identifies the provider in routes, settings and the ledger."""
        return EMBEDDED

    @property
    def account(self) -> None:
        """This machine has no limits."""

    def with_overrides(self, api_key: str | None, base_url: str | None) -> EmbeddedProvider:  # noqa: ARG002
        """This one: it has neither a key nor an address that could be another."""
        return self

    def find(self) -> LocalModel:
        """The model, where everything that it takes is there; reads the disk.

        Raises:
            OfflineUnavailable: package or weights are missing; the hint says how to get them.
        """
        if not is_installed():
            raise OfflineUnavailable(
                "The package that runs models on this machine is not installed.",
                provider=EMBEDDED,
                hint=f"Install it: {install_command('offline')}",
            )
        return find_model(self._wanted, self._models_dir)

    async def stream(self, request: ChatRequest, *, model: str) -> AsyncGenerator[Event]:  # noqa: ARG002
        """Stream an answer, after `ModelLoading` where the model is not in memory; ``Finished`` comes last.

        Raises:
            OfflineUnavailable: the model is not there, or does not load.
            ProviderError: the call failed.
        """
        server = self._the_server()
        if not server.is_running:
            yield ModelLoading(self.label)
        async with self._reached(server) as wire:
            events = wire.stream(_fitted(request, server), model=server.model.name)
            async with aclosing(events):
                async for event in events:
                    yield event

    async def complete(self, request: ChatRequest, *, model: str) -> ChatResponse:  # noqa: ARG002
        """One answer in one piece; raises as `stream`."""
        server = self._the_server()
        async with self._reached(server) as wire:
            return await wire.complete(_fitted(request, server), model=server.model.name)

    async def models(self) -> list[RemoteModel]:
        """The one it has, without loading it.

        Raises:
            OfflineUnavailable: it is not there.
        """
        server = self._the_server()
        return [RemoteModel(server.model.name, owned_by="this machine", context_window=server.window)]

    async def check(self) -> list[RemoteModel]:
        """As `models`."""
        return await self.models()

    async def warm(self) -> bool:
        """Load the model ahead of need; whether it is."""
        try:
            await self._connected(self._the_server())
        except TensorWallError:
            return False
        return True

    @property
    def warmth(self) -> Warmth:
        """The connections to its process; none while the model is not in memory."""
        return Warmth() if self._wire is None else self._wire[1].warmth

    async def aclose(self) -> None:
        """End the process; the provider stays usable."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire[1].aclose()
        if self._server is not None:
            await self._server.aclose()

    def _the_server(self) -> LlamaServer:
        if self._server is None:
            found = self.find()
            self._server = LlamaServer(found, min(self._window, found.context_window or self._window))
        return self._server

    @asynccontextmanager
    async def _reached(self, server: LlamaServer) -> AsyncIterator[OpenAICompatibleProvider]:
        """The wire to the server; one that cannot be reached is ended: the next call starts another."""
        try:
            yield await self._connected(server)
        except ConnectionFailed:
            await server.aclose()
            raise

    async def _connected(self, server: LlamaServer) -> OpenAICompatibleProvider:
        """The provider that speaks with the server as it runs now: each start has another port and key."""
        running = await server.run()
        if self._wire is None or self._wire[0] != running:
            if self._wire is not None:
                await self._wire[1].aclose()
            spoken = OpenAICompatibleProvider(self.profile, api_key=running.key, base_url=running.url)
            self._wire = (running, spoken)
        return self._wire[1]


def _profile(label: str) -> ProviderProfile:
    return ProviderProfile(
        name=EMBEDDED,
        label=f"{label} on this machine",
        base_url="http://127.0.0.1",  # the port is known once it runs
        local=True,
        caution="small model, may be wrong",
        refused_fields=frozenset({"n"}),
        default_output_cap=LONGEST_ANSWER,
        model_rules=(ModelRule("*", reasoning_efforts=(), defaults=_SAMPLING),),
        stall_timeout=300.0,  # a long prompt is read for minutes on a slow machine
        answer_timeout=1800.0,
    )


def _fitted(request: ChatRequest, server: LlamaServer) -> ChatRequest:
    return fitted(request, server.window, server.model.system_prompt)

"""A stand-in for Groq's API over real HTTP: test double, keyless demo, and upstream of benchmarks.

``python -m app.simulator`` serves Groq's dialect under ``/openai/v1`` and a generic OpenAI-compatible one
under ``/v1`` (no ``x_groq``, usage only on request, any model, a key is optional), and prints the base URL.
``app.simulator.process.running_simulator`` does that in a child process.

The API key names an account of its own, so that parallel users do not disturb each other. ``gsk_demo`` is
there from the start; others are made and changed over HTTP:

============================================  =====================================================
``PUT /_simulator/keys/{key}``                JSON of ``Options``; anew: full buckets, faults uncounted
``GET``, ``DELETE /_simulator/keys/{key}``    the options; forget the key (it gets 401 then)
``GET .../keys/{key}/requests``               what arrived, and how it went; ``DELETE`` clears
``POST .../keys/{key}/advance``               ``{"seconds": N}`` moves the account's clock: limits refill
``GET /_simulator``                           connections accepted and open, URLs that refuse or never accept
============================================  =====================================================

A single request may carry its own options as JSON in the header ``X-Simulate``; they lie over the account's.
Faults given there happen to that request, whatever its ``skip`` and ``times``.
"""

from __future__ import annotations

from app.simulator.options import Fault, Limits, Options, ToolCallOption

__all__ = ("Fault", "Limits", "Options", "ToolCallOption")

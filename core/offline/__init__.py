"""Answers without a network: a model that runs on this machine, and who takes over while there is none.

`models` knows GGUF files by name, `server` runs llama.cpp on one of them (`child` is that process),
`provider` speaks with it, and `reserve` is what the router calls in.
"""

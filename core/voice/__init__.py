"""Talking and listening: hear a question, have it answered, read the answer aloud.

    microphone -> engine -> activity -> turn-taking -> transcription -> reply(text)
    speaker    <- engine <- synthesis <- spoken text <- events of the answer

``engine`` owns microphone and speaker. ``turn_taking`` is a pure state machine that decides what
happens next, and ``loop`` carries its decisions out. ``transcription`` makes text of speech,
``synthesis`` speech of text, and ``spoken_text`` text that can be spoken. Importing this package
imports none of the audio libraries: they come with the ``voice`` extra and wait for first use.
"""

"""The audio engine: the one owner of microphone and speaker."""

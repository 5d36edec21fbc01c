"""Talking and listening on screen: the talk key, what is heard and said, and what the microphone does."""

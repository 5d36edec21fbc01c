"""Text to speech: the voices of this system in a process of their own, or Groq's."""

"""Speech to text: Whisper on this machine, or Groq's."""

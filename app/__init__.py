"""What a person or a client touches; imports core, never the other way round."""

"""The assistant as a library: no printing, no Textual, no global state."""

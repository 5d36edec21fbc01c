"""Many requests at once: OpenAI's batch lines in, its output lines out, at the pace the limits allow."""

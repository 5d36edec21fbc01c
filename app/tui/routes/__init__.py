"""The routes: how each stands now, and why an answer came from where it did."""

"""A second route asked beside one that is slow to begin: the first content wins."""

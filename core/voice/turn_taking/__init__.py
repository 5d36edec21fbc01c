"""Whose turn it is: a pure state machine, and the policies it asks."""

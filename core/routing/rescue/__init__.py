"""Answers that break off: who goes on with them, and how the two halves become one."""

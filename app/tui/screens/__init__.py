"""Screens; each has its style sheet beside it and is imported when it is first shown."""

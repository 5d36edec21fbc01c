"""What it cost: the review of sessions, turns and calls, of groups, charts, questions and budgets."""

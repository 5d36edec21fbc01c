"""``python -m app.cli`` is ``tensorwall``."""

from app.cli import main

main()

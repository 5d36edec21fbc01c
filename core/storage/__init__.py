"""One database: tables, engine, migrations, and the worker thread that owns the connection.

Importing this is cheap; SQLAlchemy is imported by the worker thread when a database is opened.
"""

from core.storage.database import Database, open_database

__all__ = ("Database", "open_database")

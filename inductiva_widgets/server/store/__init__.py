"""The SQLite store of the embedded server."""

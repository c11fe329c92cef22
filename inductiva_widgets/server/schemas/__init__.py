"""Wire values that only the server sends or receives."""

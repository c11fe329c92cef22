"""Values of the wire that only the server sends or receives."""

"""Values of the wire protocol."""

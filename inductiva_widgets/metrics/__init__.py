"""Numbers that a simulation prints: read from its log, thinned, and looked at. No I/O here."""

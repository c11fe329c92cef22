"""HTTP routes: each translates between HTTP and a service."""

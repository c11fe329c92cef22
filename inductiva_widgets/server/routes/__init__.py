"""HTTP routes, which translate between HTTP and the services."""

"""The wire: one door for HTTP, one method for each endpoint, the default client."""

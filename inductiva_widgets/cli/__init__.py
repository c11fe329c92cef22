"""The command line; it never imports widgets or pandas."""

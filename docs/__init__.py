"""Sources and builder of the documentation site."""

"""The API reference as HTML, built by pdoc with a theme for light and dark."""

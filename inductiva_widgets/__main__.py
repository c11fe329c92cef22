"""``python -m inductiva_widgets``: the command line."""

from inductiva_widgets.cli.main import run

if __name__ == "__main__":
    run()

"""Pictures of task frames in JupyterLab and Notebook: drawn by the host, without a network."""


from playwright.sync_api import expect

from tests.browser.conftest import take

# What no name of a project may do: end the page's script, be an expression, be a field.
HOSTILE = "<script>window.broken = 1</script> datum.x['a'] \"b\""
SETUP = f"""import msgspec, random
from inductiva_widgets import plots
from inductiva_widgets.frames import to_frame
from inductiva_widgets.models import TaskInfo
from tests.benchmarks.page_server import make_task

chance = random.Random(7)
tasks = [make_task(number, chance) for number in range(400)]
tasks[0]["project"] = {HOSTILE!r}
df = to_frame([msgspec.convert(task, TaskInfo, strict=False) for task in tasks])"""
PICTURES = ("timeline", "times", "costs", "statuses", "machines")


def chart_in(output):
    return output.locator(".vega-embed svg.marks")


def test_pictures_are_drawn_by_the_notebook_in_both_themes(open_notebook, lab, page):
    cells = [f"plots.{name}(df)" for name in PICTURES]
    notebook = open_notebook(lab.write("plots.ipynb", SETUP, *cells))
    notebook.run_all()
    for place, name in enumerate(PICTURES, start=1):
        expect(chart_in(notebook.output(place))).to_be_visible(timeout=30_000)
        take(page, notebook.output(place), f"plots-{name}")

import os, nbformat
from tests.browser.conftest import take, set_theme, ARTIFACTS
def test_look(open_notebook, page, lab):
    name=os.environ["LOOK"]
    page.set_viewport_size({"width": 1120, "height": 1000})
    cells = nbformat.read(lab.folder / f"{name}.ipynb", 4).cells
    nb=open_notebook(f"{name}.ipynb"); nb.run_all()
    for t in ("light","dark"):
        set_theme(page,t)
        for i in range(len(cells)):
            c=page.locator(".jp-Notebook .jp-Cell").nth(i); c.scroll_into_view_if_needed()
            page.wait_for_timeout(400)
            c.screenshot(path=f"/tmp/p1x/shots/{name}-{i:02d}-{t}.png", animations="disabled")

"""What the vendor's client does and does not, where the README's table says so.

These are facts about its version 0.18.12, and no opinion: a new version may change them, and then
the table has to.
"""

import contextlib
import http.server
import threading
import zipfile

import pytest

from tests.conformance.cases import finish
from tests.conformance.server import KEY


@pytest.fixture(scope="module")
def scratch(served, short_storm):
    """Return a task whose output is replaced by what a test wants to be fetched."""
    return finish(served, short_storm)


@pytest.fixture
def stored(served, scratch):
    """Return the function that writes the output archive of the scratch task anew."""
    path = served.folder / "storage" / scratch.id / "output.zip"
    assert path.is_file()

    def store(members, damaged=""):
        with zipfile.ZipFile(path, "w") as archive:
            archive.mkdir("artifacts")
            for name, content in members.items():
                archive.writestr(f"artifacts/{name}", content)
        if damaged:
            content = members[damaged].encode()
            raw = path.read_bytes()
            assert raw.count(content) == 1
            path.write_bytes(raw.replace(content, content[:-1] + b"!"))

    return store


def test_task_shows_itself_as_text(ask, finished):
    kinds = ("_repr_html_", "_repr_mimebundle_", "_ipython_display_")
    assert (
        ask(f"""
task = inductiva.tasks.Task("{finished.id}")
answer([kind for kind in {kinds} if hasattr(task, kind)])
""")
        == []
    )


def test_listing_is_a_list_and_durations_in_its_dictionary_are_text(ask, finished):
    found = ask("""
tasks = inductiva.tasks.get(last_n=5)
table = inductiva.tasks.to_dict(tasks)
answer([type(tasks).__name__, {name: type(column[0]).__name__ for name, column in table.items()}])
""")
    assert found[0] == "list"
    assert found[1]["Submitted"] == "datetime"
    assert found[1]["Computation Time"] == "str"
    assert len(found[1]) == 7


def test_nothing_of_it_makes_frames_pictures_or_comparisons(ask):
    wanted = ["pandas", "polars", "pyarrow", "matplotlib", "altair", "plotly", "ipywidgets"]
    code = "from importlib.util import find_spec\n"
    assert ask(f"{code}answer([name for name in {wanted} if find_spec(name)])") == []
    names = ask("answer([*dir(inductiva.tasks), *dir(inductiva.tasks.Task)])")
    assert not [name for name in names if "compar" in name]


def test_whole_list_is_fetched_anew_each_time(ask, served, finished):
    ask("inductiva.tasks.get_all(); answer(True)")
    once = served.recorder.lines().count("GET /tasks")
    ask("inductiva.tasks.get_all(); answer(True)")
    assert once > 0
    assert served.recorder.lines().count("GET /tasks") == 2 * once


def test_it_has_no_way_to_look_into_a_file_before_it_is_there(ask):
    names = ask("answer([name for name in dir(inductiva.tasks.Task) if name[0] != '_'])")
    assert "download_outputs" in names
    assert not [name for name in names if any(w in name for w in ("open", "read", "preview"))]


def test_it_has_no_way_to_read_numbers_from_a_log(ask):
    names = ask("answer([name for name in dir(inductiva.tasks.Task) if name[0] != '_'])")
    assert "tail_files" in names
    assert not [name for name in names if any(w in name for w in ("watch", "metric", "series"))]
    [parameters] = ask(
        "import inspect; answer([list(inspect.signature(inductiva.tasks.Task.wait).parameters)])"
    )
    assert not [name for name in parameters if "stop" in name or "until" in name]


def test_files_are_chosen_by_their_whole_names(ask, finished, tmp_path):
    code = f"""
inductiva.tasks.Task("{finished.id}").download_outputs(["model.rpt", "*.txt"], "got")
answer(True)
"""
    ask(code)
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["model.rpt"]


def test_second_download_fetches_the_whole_archive_again(ask, served, finished):
    code = f'inductiva.tasks.Task("{finished.id}").download_outputs(output_dir="got")'
    ask(f"{code}; answer(True)")
    ask(f"{code}; answer(True)")
    whole = [one for one in served.recorder.requests if one.path.endswith("/output.zip")]
    assert [(one.method, one.range) for one in whole] == 2 * [("GET", "")]


def test_damaged_file_is_told_and_left_under_its_name(ask, stored, scratch, tmp_path):
    content = " ".join(map(str, range(50_000)))
    stored({"good.txt": "all is well", "result.txt": content}, "result.txt")
    said = ask(f"""
try:
    inductiva.tasks.Task("{scratch.id}").download_outputs(output_dir="got")
    answer("nothing")
except Exception as error:
    answer(str(error))
""")
    assert "Bad CRC-32" in said
    assert 0 < (tmp_path / "got" / "result.txt").stat().st_size <= len(content)


def test_damaged_file_that_was_chosen_is_told_in_the_log_alone(ask, stored, scratch, tmp_path):
    stored({"good.txt": "all is well", "result.txt": "a long and honest result"}, "result.txt")
    code = f'inductiva.tasks.Task("{scratch.id}").download_outputs(["result.txt"], "got")'
    assert ask(f"{code}; answer('no error')") == "no error"
    assert (tmp_path / "got" / "result.txt").read_bytes() == b""


def test_name_that_leads_out_of_the_folder_is_written_there(ask, stored, scratch, tmp_path):
    stored({"good.txt": "all is well", "../../escaped.txt": "here I am"})
    code = f'inductiva.tasks.Task("{scratch.id}").download_outputs(output_dir="deep/got")'
    ask(f"{code}; answer(True)")
    assert (tmp_path / "escaped.txt").read_text() == "here I am"


@contextlib.contextmanager
def redirecting_server():
    """Run a server that sends everybody to another one; gives its address and what that saw."""
    keys = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            keys.append(self.headers.get("X-API-Key"))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    class Door(Elsewhere):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{elsewhere.server_port}{self.path}")
            self.end_headers()

    elsewhere = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    door = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    for server in (elsewhere, door):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{door.server_port}", keys
    finally:
        for server in (elsewhere, door):
            server.shutdown()
            server.server_close()


def test_key_follows_a_redirect_to_another_server(ask):
    with redirecting_server() as (url, keys):
        ask(
            """
service, inductiva.api_url = inductiva.api_url, arguments[0]
try:
    inductiva.tasks.Task("x" * 25).get_status()
except Exception:
    pass  # what the other server answers is no status
finally:
    inductiva.api_url = service
answer(True)
""",
            url,
        )
    assert keys == [KEY]


def test_it_does_nothing_without_a_key(vendor):
    code = "import inductiva; inductiva.tasks.get(1); print('listed')"
    done = vendor.run(code, INDUCTIVA_API_KEY="")
    assert "listed" not in done.stdout
    assert "key" in (done.stdout + done.stderr).lower()


def test_its_types_are_marked_in_its_generated_parts_alone(ask):
    found = ask("""
from pathlib import Path
root = Path(inductiva.__file__).parent
answer(sorted(path.parent.name for path in root.rglob("py.typed")))
""")
    assert found == ["client", "machines_catalogue_client"]


def test_templates_are_filled(ask, tmp_path):
    (tmp_path / "template").mkdir()
    (tmp_path / "template" / "case.txt.jinja").write_text("depth = {{ depth }}")
    ask('inductiva.TemplateManager.render_dir("template", "case", depth=3); answer(True)')
    assert (tmp_path / "case" / "case.txt").read_text() == "depth = 3"

"""The vendor's client and command line on the user's storage, of the embedded server."""

import zipfile

import pytest

from tests.conformance.test_vendor_client import OUTPUT_NAMES

pytestmark = pytest.mark.extended


@pytest.fixture
def folder(ask, tmp_path):
    """Return a folder of the storage with two files, uploaded by the vendor's client."""
    local = tmp_path / "case"
    (local / "deep").mkdir(parents=True)
    (local / "a.txt").write_text("a" * 10)
    (local / "deep" / "b c.txt").write_text("b" * 5)
    name = f"of_{tmp_path.name}"
    ask(f'inductiva.storage.upload("case", "{name}"); answer(True)')
    return name


def listed(ask, path, **options):
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return ask(f"answer(inductiva.storage.listdir({path!r}, print_results=False{given}))")


def test_uploaded_files_are_listed_with_size_and_time(ask, served, folder):
    found = {entry["name"]: entry for entry in listed(ask, folder)}
    assert set(found) == {"a.txt", "deep/"}
    assert (found["a.txt"]["size"], found["deep/"]["size"]) == (10, 5)
    assert found["a.txt"]["provider"] == "LOCAL"
    assert found["a.txt"]["region"] == "local"
    assert found["a.txt"]["creation_time"]
    assert folder + "/" in {entry["name"] for entry in listed(ask, "/", max_results=None)}
    by_size = listed(ask, folder, order_by="size", sort_order="asc")
    assert [entry["name"] for entry in by_size] == ["deep/", "a.txt"]


def test_uploads_go_through_links_without_a_key(ask, served, tmp_path):
    (tmp_path / "one.bin").write_bytes(b"x" * 100_000)
    ask('inductiva.storage.upload("one.bin", "single"); answer(True)')
    (upload,) = [request for request in served.recorder.requests if request.method == "PUT"]
    assert (upload.status, upload.has_key, len(upload.body)) == (200, False, 100_000)
    assert [entry["name"] for entry in listed(ask, "single")] == ["one.bin"]


def test_folder_of_the_storage_is_downloaded(ask, folder, tmp_path):
    ask(f'inductiva.storage.download("{folder}/", "got"); answer(True)')
    got = tmp_path / "got" / folder
    assert (got / "a.txt").read_text() == "a" * 10
    assert (got / "deep" / "b c.txt").read_text() == "b" * 5


def test_file_inside_an_archive_is_downloaded(ask, finished, tmp_path):
    code = f'inductiva.storage.download("{finished.id}/output.zip/stdout.txt"); answer(True)'
    ask(code)
    assert "EPA SWMM" in (tmp_path / finished.id / "output" / "stdout.txt").read_text()


def test_space_used_is_the_sum_of_all_files(ask, folder):
    text = "answer(inductiva.client.StorageApi(inductiva.api.get_client()).get_storage_size())"
    before = ask(text)
    ask(f'inductiva.storage.copy("{folder}/a.txt", "{folder}/copies/a.txt"); answer(True)')
    assert ask(text) == before + 10
    assert isinstance(ask("answer(inductiva.storage.get_space_used())"), float)


def test_copies_of_files_and_folders(ask, folder):
    ask(f'inductiva.storage.copy("{folder}/deep", "{folder}/twin"); answer(True)')
    assert [entry["name"] for entry in listed(ask, f"{folder}/twin/")] == ["b c.txt"]


def test_removed_files_are_gone(ask, folder):
    ask(f'inductiva.storage.remove("{folder}/a.txt"); answer(True)')
    assert [entry["name"] for entry in listed(ask, folder)] == ["deep/"]
    ask(f'inductiva.storage.remove("{folder}"); answer(True)')
    status = ask(f"""
try:
    inductiva.storage.remove("{folder}")
except inductiva.client.ApiException as error:
    answer(error.status)
""")
    assert status == 404


def test_contents_of_archives_are_listed(ask, finished):
    found = ask(f"""
info = inductiva.storage.get_zip_contents(
    "{finished.id}/output.zip", zip_relative_path="artifacts/", recursive=True
)
place = inductiva.storage.storage.get_file_range(
    "{finished.id}/output.zip", "artifacts", "stdout.txt"
)
answer([[file.name for file in info.files], info.size, place.range_end - place.range_start])
""")
    assert set(found[0]) == OUTPUT_NAMES
    assert found[1] == finished.get_output_info().size
    assert found[2] > 0


def test_paged_contents_buckets_and_operations_have_their_types(ask, folder):
    """These have no method of their own in the client: its generated part decodes them strictly."""
    found = ask(f"""
api = inductiva.client.StorageApi(inductiva.api.get_client())
page = api.list_paginated_storage_contents(path="{folder}/", per_page=1, sort_by="name")
answer({{
    "total": page.total_files,
    "names": list(page.contents),
    "buckets": [bucket.name for bucket in api.list_buckets()],
    "default": api.get_default_bucket().region,
    "operations": api.get_operations_by_user(),
}})
""")
    assert found == {
        "total": 2,
        "names": ["deep/"],
        "buckets": ["local"],
        "default": "local",
        "operations": [],
    }


def test_simulation_gets_stored_files_beside_its_input(ask, folder, tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "own.txt").write_text("own")
    found = ask(f"""
group = inductiva.resources.machine_groups.get_by_name("local")
task = inductiva.simulators.SWMM().run(
    input_dir="input", commands=["cat a.txt own.txt"], on=group, remote_assets=["{folder}/"]
)
status = task.wait(silent_mode=True).value
answer([task.id, status])
""")
    assert found[1] == "success"
    said = tmp_path / "inductiva_output" / found[0] / "outputs" / "stdout.txt"
    assert said.read_text() == "a" * 10 + "own"


def test_simulation_needs_no_input_folder_and_gets_the_outputs_of_another_task(ask, tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "own.txt").write_text("own")
    found = ask("""
group = inductiva.resources.machine_groups.get_by_name("local")
swmm = inductiva.simulators.SWMM()
first = swmm.run(input_dir="input", commands=["cp own.txt made.txt"], on=group)
first.wait(silent_mode=True)
second = swmm.run(
    input_dir=None,
    commands=[f"cat {first.id}/made.txt"],
    on=group,
    remote_assets=[first.info.storage_output_path],
)
answer([second.id, second.wait(silent_mode=True).value])
""")
    assert found[1] == "success"
    said = tmp_path / "inductiva_output" / found[0] / "outputs" / "stdout.txt"
    assert said.read_text() == "own"


# The command line --------------------------------------------------------------------------------


def test_command_storage_list_shows_what_there_is(vendor, folder):
    done = vendor.command("storage", "ls", f"{folder}/", "-o", "size")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert lines[0] == ["NAME", "SIZE", "CREATION", "TIME", "PROVIDER", "REGION"]
    assert lines[1][:3] == ["a.txt", "10", "B"]
    assert lines[2][:3] == ["deep/", "5", "B"]
    assert "You have storage in the following regions: local" in done.stdout
    assert "Cost: 0 US$/month" in done.stdout


def test_command_storage_size_tells_volume_and_cost(vendor, finished):
    done = vendor.command("storage", "size")
    assert done.returncode == 0, done.stderr
    assert "Volume: " in done.stdout
    assert "Cost: 0 US$/month" in done.stdout


def test_command_storage_upload_download_and_remove(vendor, ask, tmp_path):
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "set.zip", "w") as archive:
        archive.writestr("inner.txt", "inner")
    assert vendor.command("storage", "upload", "data", "by_command").returncode == 0
    done = vendor.command("storage", "download", "by_command/set.zip", "got", "--decompress")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got" / "by_command" / "set" / "inner.txt").read_text() == "inner"
    removed = vendor.command("storage", "rm", "by_command/", "-y")
    assert removed.returncode == 0, removed.stderr
    assert "by_command/" not in {entry["name"] for entry in listed(ask, "/", max_results=None)}


def test_command_storage_remove_asks_first(vendor, ask, folder):
    vendor.command("storage", "rm", f"{folder}/", answer="n\n")
    assert len(listed(ask, folder)) == 2


def test_command_storage_remove_of_nothing_says_so(vendor):
    done = vendor.command("storage", "rm", "no/such/file", "-y")
    assert "There is nothing at no/such/file" in done.stdout


def test_command_containers_lists_and_removes_files_of_their_folder(vendor, ask, tmp_path):
    (tmp_path / "tool.sif").write_bytes(b"image")
    ask('inductiva.storage.upload("tool.sif", "my-containers"); answer(True)')
    assert "tool.sif" in vendor.command("containers", "list").stdout
    done = vendor.command("containers", "rm", "-n", "tool.sif", "-y")
    assert "removed" in done.stdout, done.stderr
    missing = vendor.command("containers", "list")
    assert "tool.sif" not in missing.stdout

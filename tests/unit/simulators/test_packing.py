import io
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._packing import validate_input_dir


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "case"
    (top / "mesh" / "empty").mkdir(parents=True)
    (top / "model.inp").write_bytes(b"line one\r\nline two\r\n")
    (top / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    (top / "mesh" / "a.bin").write_bytes(os.urandom(3_000_000))
    return top


def unpacked(folder):
    return zipfile.ZipFile(io.BytesIO(b"".join(validate_input_dir(folder).stream())))


def test_every_file_arrives_byte_for_byte(folder):
    archive = unpacked(folder)
    assert archive.testzip() is None
    for path in folder.rglob("*"):
        if path.is_file():
            assert archive.read(f"sim_dir/{path.relative_to(folder)}") == path.read_bytes()


def test_empty_folders_are_kept(folder):
    assert "sim_dir/mesh/empty/" in unpacked(folder).namelist()


def test_stream_comes_in_pieces_and_reports_progress(folder):
    progress = []
    checked = validate_input_dir(folder)
    pieces = list(checked.stream(progress.append))
    assert len(pieces) > 2
    assert progress[-1] == checked.size


def test_no_temporary_file_is_made(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    unpacked(folder)
    assert not (tmp_path / "tmp").exists()


def test_file_older_than_zip_can_say_is_packed(folder):
    os.utime(folder / "model.inp", (0, 0))
    assert unpacked(folder).read("sim_dir/model.inp").startswith(b"line one")


def test_links_are_followed(folder, tmp_path):
    (tmp_path / "elsewhere.dat").write_text("data")
    (folder / "link.dat").symlink_to(tmp_path / "elsewhere.dat")
    assert unpacked(folder).read("sim_dir/link.dat") == b"data"


def test_missing_input_folder_raises(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        validate_input_dir(tmp_path / "nowhere")


def test_input_dir_that_is_a_file_raises(folder):
    with pytest.raises(InputError, match="must be a folder"):
        validate_input_dir(folder / "model.inp")


def test_empty_input_folder_raises(tmp_path):
    (tmp_path / "inner").mkdir()
    with pytest.raises(InputError, match="is empty"):
        validate_input_dir(tmp_path)


def test_input_dir_of_another_type_raises():
    with pytest.raises(InputError, match="NoneType"):
        validate_input_dir(None)


@pytest.mark.parametrize("target", ["nowhere", "."])
def test_broken_and_cyclic_links_raise(folder, target):
    (folder / "link").symlink_to(folder / target)
    with pytest.raises(InputError, match="link"):
        validate_input_dir(folder)


def test_output_zip_among_the_inputs_is_refused(folder):
    (folder / "output.zip").write_text("")
    with pytest.raises(InputError, match=r"output\.zip"):
        validate_input_dir(folder)


def validated_without_privileges(folder):
    """Return what the validation prints in a process to which permissions apply, also for root."""
    code = (
        "import sys\n"
        "from inductiva_widgets.errors import InputError\n"
        "from inductiva_widgets.simulators._packing import validate_input_dir\n"
        "try:\n    validate_input_dir(sys.argv[1])\n"
        "except InputError as error:\n    print(error)\n"
    )
    drop = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("permissions do not apply to root")
        drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*drop, sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["model.inp", "mesh"])
def test_file_or_folder_without_permission_is_named(folder, name):
    (folder / name).chmod(0)
    try:
        said = validated_without_privileges(folder)
    finally:
        (folder / name).chmod(0o755)
    assert said.startswith(f"The input {str(folder / name)!r} cannot be read: permission denied.")
    assert "Make it readable, or move it out of the input folder." in said


def test_folder_that_is_removed_before_it_is_read_is_named(folder):
    checked = validate_input_dir(folder)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"a\.bin' was removed while the input folder was read"):
        list(checked.stream())

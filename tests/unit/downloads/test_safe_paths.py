import pytest

from inductiva_widgets.downloads._safe_paths import (
    WORK_FOLDER,
    assign_paths,
    is_case_insensitive,
    make_safe_dir,
    safe_file_name,
)
from inductiva_widgets.errors import DownloadError, UnsafePathError


def place(name, **options):
    return assign_paths([name], **{"fold_case": False, "windows": False} | options).path(name)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "\\server\\x", "C:/x", "c:\\x", "../x", "a/../../x", "a/..", "..", "..\\x",
     "a\\..\\..\\x", "a\0b", "../", ".. /x", "a/.../x", "/".join(["d" * 200] * 20)],
)  # fmt: skip
def test_dangerous_names_are_refused(name):
    layout = assign_paths(["good", name], fold_case=False)
    assert layout.path("good") == "good"
    with pytest.raises(UnsafePathError):
        layout.path(name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b.txt", "a/b.txt"),
        ("./a//b", "a/b"),
        ("a\\b.txt", "a/b.txt"),
        ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
        ("U:x.vtk", "U_x.vtk"),
        ("line\nfeed\x1b[31m", "line_feed_[31m"),
        ("..hidden", "..hidden"),
        ("émile/ß.dat", "émile/ß.dat"),
        ("vtk/", "vtk"),
        ("aux.dat", "aux.dat"),
    ],
)
def test_names_are_made_safe(name, path):
    assert place(name) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [("CON", "CON_"), ("aux.dat", "aux_.dat"), ("a/lpt1.x.y", "a/lpt1_.x.y"), ("dot.", "dot_"),
     ("blank ", "blank_"), ("COM¹", "COM¹_"), ("console", "console")],
)  # fmt: skip
def test_device_names_are_made_safe_on_windows(name, path):
    assert place(name, windows=True) == path


def test_renames_are_told_and_others_not():
    layout = assign_paths(["a:b", "plain/x", "./dot"], fold_case=False)
    assert layout.renamed == {"a:b": "a_b"}


def test_long_names_are_cut_apart(tmp_path):
    names = ["x" * 300 + "1.dat", "x" * 300 + "2.dat", "é" * 200]
    layout = assign_paths(names, fold_case=False)
    paths = [layout.path(name) for name in names]
    assert len(set(paths)) == 3
    assert paths[0].endswith(".dat")
    for path in paths:
        (tmp_path / path).touch()  # the file system agrees that they are short enough


def test_names_that_become_equal_get_places_of_their_own():
    layout = assign_paths(["a?b", "a*b", "a_b"], fold_case=False)
    assert layout.paths == {"a_b": "a_b", "a?b": "a_b~1", "a*b": "a_b~2"}


def test_case_collisions_matter_only_where_case_is_folded():
    names = ["U", "u", "Dir/x", "dir/X"]
    assert assign_paths(names, fold_case=False).renamed == {}
    folded = assign_paths(names, fold_case=True)
    assert folded.renamed == {"u": "u~1", "dir/X": "dir/X~1"}


def test_composed_and_decomposed_names_collide_where_case_is_folded():
    assert assign_paths(["é", "e\u0301"], fold_case=True).renamed == {"e\u0301": "e\u0301~1"}


def test_file_and_folder_of_one_name_get_two_places():
    layout = assign_paths(["a", "a/b", "c/d", "c"], fold_case=False)
    assert layout.paths == {"a": "a~1", "a/b": "a/b", "c/d": "c/d", "c": "c~1"}


def test_a_name_that_can_stay_is_not_pushed_aside_by_one_that_cannot():
    layout = assign_paths(["x", "x/y", "x~1", "?", "_"], fold_case=False)
    assert layout.paths == {"x": "x~2", "x/y": "x/y", "x~1": "x~1", "?": "_~1", "_": "_"}


def test_place_of_the_work_folder_is_left_free():
    names = [f"{WORK_FOLDER}/lock", f"{WORK_FOLDER}_/lock", f"./{WORK_FOLDER.upper()}"]
    layout = assign_paths(names, fold_case=False)
    assert layout.renamed.keys() == {names[0], names[2]}
    assert layout.path(names[0]) == f"{WORK_FOLDER}_/lock~1"
    assert assign_paths([f"deep/{WORK_FOLDER}/x"], fold_case=True).renamed == {}


def test_ten_thousand_names_that_become_equal_get_ten_thousand_places():
    names = [f"{n:014b}".replace("0", "?").replace("1", "*") for n in range(10_000)]
    layout = assign_paths(names, fold_case=False)
    assert len(set(layout.paths.values())) == 10_000


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a.zip", "a.zip"), ("../../a.zip", "a.zip"), ("c:\\x\\a.zip", "a.zip"), ("", "download"),
     ("..", "download"), ("/", "download"), ("a\0b", "ab"), ("a:b", "a_b"), ("dir/", "dir")],
)  # fmt: skip
def test_safe_file_name(name, safe):
    assert safe_file_name(name) == safe


def test_make_folder__link_that_leads_out_is_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "vtk").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="is a link to outside"):
        make_safe_dir(root.resolve(), "vtk/deep")
    assert list(outside.iterdir()) == []


def test_make_folder__sibling_with_the_same_beginning_is_outside(tmp_path):
    root, sibling = tmp_path / "root", tmp_path / "root-evil"
    root.mkdir()
    sibling.mkdir()
    (root / "x").symlink_to(sibling)
    with pytest.raises(UnsafePathError):
        make_safe_dir(root.resolve(), "x")


def test_make_folder__link_inside_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make_safe_dir(tmp_path.resolve(), "link/deep")
    assert (tmp_path / "real" / "deep").is_dir()


def test_make_folder__dangling_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path.parent / "nowhere")
    with pytest.raises(UnsafePathError):
        make_safe_dir(tmp_path.resolve(), "link")


def test_make_folder__file_in_the_way(tmp_path):
    (tmp_path / "a").write_text("file")
    with pytest.raises(DownloadError, match="must be a folder, but is a file"):
        make_safe_dir(tmp_path.resolve(), "a/b")


def test_folds_case__agrees_with_the_file_system(tmp_path):
    folder = tmp_path / "Case"
    folder.mkdir()
    assert is_case_insensitive(folder) == (tmp_path / "cASE").exists()

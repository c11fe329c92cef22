"""What this package and others do, as tables: each cell with the tests that prove it.

A cell whose test fails is to be corrected, or the package.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.conformance.peers import VERSIONS
from tests.conformance.vendor import VERSION


class Cell(NamedTuple):
    """What a table says, and the ids of the tests that fail when it is no longer true."""

    text: str
    proofs: tuple[str, ...]


class Row(NamedTuple):
    """A feature, and a cell for each column."""

    feature: str
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """Rows under the names of those who are compared."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Return the table without its proofs."""
        lines = [("", *self.columns), ("---",) * (len(self.columns) + 1)]
        lines += [(row.feature, *(cell.text for cell in row.cells)) for row in self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def row(feature: str, *cells: tuple[str, ...]) -> Row:
    """Return a row of cells, each given as its text and its proofs."""
    return Row(feature, tuple(Cell(cell[0], cell[1:]) for cell in cells))


_UNIT = "tests/unit/"
_FETCH = "tests/unit/downloads/test_fetch.py::test_"
_RUN = "tests/integration/"
_PAGE = "tests/browser/"
_HERE = "tests/conformance/test_features.py::test_"
_VENDOR = "tests/conformance/test_vendor_features.py::test_"
_CLIENT = "tests/conformance/test_vendor_client.py::test_"
_LIVE = "tests/conformance/test_vendor_live.py::test_"
_ACCOUNT = "tests/conformance/test_vendor_account.py::test_"
_STORAGE = "tests/conformance/test_vendor_storage.py::test_"
_TABLES = "tests/conformance/test_peer_tables.py::test_"
_GET = "tests/conformance/test_peer_downloads.py::test_"

CLIENTS = Table(
    ("this package", f"vendor's client {VERSION}"),
    (
        row(
            "A task in a notebook",
            (
                "live card: status, phases, log, files",
                f"{_PAGE}test_quickstart.py::test_quickstart_from_top_to_bottom",
            ),
            ("a line of text", f"{_VENDOR}task_shows_itself_as_text"),
        ),
        row(
            "Kill, besides `kill()`",
            (
                "button that asks first and works while a cell runs",
                f"{_PAGE}test_busy_kernel.py::test_kill_works_while_a_cell_sleeps",
            ),
            ("command that asks first", f"{_CLIENT}command_tasks_kill_asks_first"),
        ),
        row(
            "A list of tasks",
            (
                "live table: search, sort, filter and group all of it",
                f"{_PAGE}test_table.py::test_sort_and_groups_are_over_the_whole_set",
            ),
            ("a list; its command prints a table", f"{_CLIENT}command_tasks_list_shows_the_newest"
             "_tasks"),
        ),
        row(
            "The list as data",
            (
                "DataFrame, each column of one type; CSV, Parquet, Excel",
                f"{_UNIT}frames/test_schema.py"
                "::test_every_column_has_its_type_whatever_the_tasks_are",
                f"{_UNIT}frames/test_export.py"
                "::test_frame_is_the_same_after_it_was_written_and_read",
            ),
            (
                "dictionary of seven columns, durations as text",
                f"{_VENDOR}listing_is_a_list_and_durations_in_its_dictionary_are_text",
            ),
        ),
        row(
            "All tasks, the second time",
            (
                "one request; what has ended is kept",
                f"{_UNIT}history/test_history.py::test_the_second_time_costs_one_request",
            ),
            ("every page again", f"{_VENDOR}whole_list_is_fetched_anew_each_time"),
        ),
        row(
            "Tasks in pictures, and side by side",
            (
                "yes",
                f"{_PAGE}test_plots.py"
                "::test_pictures_are_drawn_in_both_themes_without_a_network",
                f"{_PAGE}test_compare.py::test_what_is_shown_is_the_frame_of_python",
            ),
            ("no", f"{_VENDOR}nothing_of_it_makes_frames_pictures_or_comparisons"),
        ),
        row(
            "Saved notebook",
            (
                "cards become HTML, readable without a kernel",
                f"{_PAGE}test_outlives_the_kernel.py"
                "::test_saved_notebook_is_readable_without_a_kernel_and_elsewhere",
            ),
            ("what was printed", f"{_VENDOR}task_shows_itself_as_text"),
        ),
        row(
            "Output files before a download",
            (
                "names, sizes, previews; `open_output()` into pandas",
                f"{_PAGE}test_card.py"
                "::test_outputs_are_searched_previewed_and_some_downloaded",
                f"{_RUN}test_files.py::test_open_output_feeds_pandas",
            ),
            (
                "names, sizes",
                f"{_CLIENT}output_listing_has_names_sizes_and_prints",
                f"{_VENDOR}it_has_no_way_to_look_into_a_file_before_it_is_there",
            ),
        ),
        row(
            "Some of the files",
            (
                "names, folders, patterns",
                f"{_RUN}test_main_job.py"
                "::test_download_of_some_outputs_into_a_folder_of_ones_own",
            ),
            ("whole names", f"{_VENDOR}files_are_chosen_by_their_whole_names"),
        ),
        row(
            "A download, called again",
            (
                "fetches what is missing",
                f"{_FETCH}calling_again_fetches_only_what_is_missing",
            ),
            ("fetches all of it", f"{_VENDOR}second_download_fetches_the_whole_archive_again"),
        ),
        row(
            "A damaged file",
            (
                "error, and no file of that name",
                f"{_FETCH}damaged_member_is_named_and_the_others_come",
            ),
            (
                "error, or a line in the log; what came stays under its name",
                f"{_VENDOR}damaged_file_is_told_and_left_under_its_name",
                f"{_VENDOR}damaged_file_that_was_chosen_is_told_in_the_log_alone",
            ),
        ),
        row(
            "A file named `../../x` in an archive",
            ("refused", f"{_FETCH}name_that_leads_out_is_refused_before_anything_is_written"),
            (
                "written outside of the folder",
                f"{_VENDOR}name_that_leads_out_of_the_folder_is_written_there",
            ),
        ),
        row(
            "Without an account",
            (
                "embedded server with real simulators",
                "tests/notebooks/test_notebooks.py::test_notebook_runs[quickstart]",
            ),
            (
                "needs a key; that of our embedded server will do",
                f"{_VENDOR}it_does_nothing_without_a_key",
                f"{_CLIENT}submission_on_the_machine_group_found_by_name_runs_to_success",
            ),
        ),
        row(
            "Import",
            (
                "silent, no request",
                f"{_UNIT}test_import.py"
                "::test_import_loads_nothing_heavy_prints_nothing_and_opens_no_socket",
            ),
            (
                "prints the account, five requests",
                f"{_CLIENT}import_checks_the_version_and_prints_the_account",
            ),
        ),
        row(
            "The key, where an answer redirects",
            ("stays here", f"{_UNIT}api/test_transport.py::test_redirect_is_not_followed"),
            ("goes along", f"{_VENDOR}key_follows_a_redirect_to_another_server"),
        ),
        row(
            "Types (`py.typed`)",
            ("all", "tests/release/test_typed.py::test_script_of_a_user_passes_mypy_strict"),
            ("its generated parts", f"{_VENDOR}its_types_are_marked_in_its_generated_parts_alone"),
        ),
        row(
            "Storage: upload, list, copy, remove",
            ("only removes the files of a task", f"{_HERE}what_only_the_vendor_has_is_not_here",
             f"{_RUN}test_files.py::test_removed_files_are_gone"),
            (
                "yes",
                f"{_STORAGE}uploaded_files_are_listed_with_size_and_time",
                f"{_STORAGE}copies_of_files_and_folders",
                f"{_STORAGE}removed_files_are_gone",
            ),
        ),
        row(
            "Files of a running task on the cloud",
            (
                "live, over WebRTC, and as curves (tried against the embedded server)",
                f"{_RUN}test_live_files.py::test_follow_prints_all_to_the_end[cloud]",
                f"{_RUN}test_live_files.py::test_numbers_of_a_running_task_become_series[cloud]",
            ),
            (
                "live as text, over WebRTC",
                f"{_LIVE}logs_prints_a_running_swmm_task_line_by_line_until_it_is_killed",
                f"{_LIVE}tail_follows_two_files_at_once",
            ),
        ),
        row(
            "Working folder of a running task",
            (
                "names; locally sizes and times, too",
                f"{_RUN}test_live_files.py::test_running_task_tells_of_its_files",
                f"{_RUN}test_live_files.py::test_sizes_and_times_are_known_locally_alone",
            ),
            ("names", f"{_LIVE}tail_list_last_file_and_top_of_a_running_task"),
        ),
        row(
            "Numbers in a log, such as residuals",
            (
                "series, progress; `stop_if` kills a bad run; DataFrame",
                f"{_RUN}test_watching.py"
                "::test_running_task_is_killed_when_its_condition_is_met",
                f"{_RUN}test_watching.py"
                "::test_metrics_of_the_running_and_of_the_ended_task_are_the_same",
            ),
            ("text to read", f"{_VENDOR}it_has_no_way_to_read_numbers_from_a_log"),
        ),
        row(
            "Benchmarks",
            ("no", f"{_HERE}what_only_the_vendor_has_is_not_here"),
            ("run and export", f"{_ACCOUNT}benchmark_is_exported"),
        ),
        row(
            "Input files from templates",
            ("no", f"{_HERE}what_only_the_vendor_has_is_not_here"),
            ("Jinja", f"{_VENDOR}templates_are_filled"),
        ),
    ),
)  # fmt: skip

WIDGETS = Table(
    ("this package", *(f"{name} {version}" for name, version in VERSIONS.items())),
    (
        row(
            "Shows",
            ("lists of tasks, live", f"{_PAGE}test_card.py"
             "::test_new_tasks_appear_in_a_followed_list"),
            ("any frame", f"{_TABLES}what_a_peer_sends_when_it_is_shown[quak-data0-code0]"),
            ("any frame", f"{_TABLES}what_a_peer_sends_when_it_is_shown"
             "[perspective-python-data1-code1]"),
            ("any frame", f"{_TABLES}what_a_peer_sends_when_it_is_shown[ipydatagrid-data2-code2]"),
            ("any frame", f"{_TABLES}what_a_peer_sends_when_it_is_shown[itables-data3-code3]"),
        ),
        row(
            "Data sent at first, 100,000 rows",
            ("under 15 kB", f"{_TABLES}ours_sends_a_first_page_and_little_code"),
            ("under 5 kB", f"{_TABLES}what_a_peer_sends_when_it_is_shown[quak-data0-code0]"),
            ("under 5 kB", f"{_TABLES}what_a_peer_sends_when_it_is_shown"
             "[perspective-python-data1-code1]"),
            ("8.4 MB, all", f"{_TABLES}what_a_peer_sends_when_it_is_shown"
             "[ipydatagrid-data2-code2]"),
            ("0.2 MB, fewer than 1,000 rows", f"{_TABLES}itables_shows_the_first_rows_alone"),
        ),
        row(
            "Code sent with it",
            ("under 80 kB", f"{_TABLES}ours_sends_a_first_page_and_little_code"),
            ("0.5 MB", f"{_TABLES}what_a_peer_sends_when_it_is_shown[quak-data0-code0]"),
            ("6.4 MB", f"{_TABLES}what_a_peer_sends_when_it_is_shown"
             "[perspective-python-data1-code1]"),
            ("none, it is installed in JupyterLab",
             f"{_TABLES}what_a_peer_sends_when_it_is_shown[ipydatagrid-data2-code2]"),
            ("0.7 MB", f"{_TABLES}what_a_peer_sends_when_it_is_shown[itables-data3-code3]"),
        ),
        row(
            "Rows that are sorted and filtered",
            ("all, in the kernel",
             f"{_PAGE}test_table.py::test_sort_and_groups_are_over_the_whole_set"),
            ("all, in the kernel",
             f"{_TABLES}rows_stay_in_the_kernel_which_is_asked_about_all_of_them[quak]"),
            ("all, in the kernel", f"{_TABLES}rows_stay_in_the_kernel_which_is_asked_about_all_of"
             "_them[perspective-python]"),
            ("all, in the page", f"{_TABLES}what_a_peer_sends_when_it_is_shown"
             "[ipydatagrid-data2-code2]"),
            ("those that were sent", f"{_TABLES}itables_shows_the_first_rows_alone"),
        ),
        row(
            "An anywidget, for marimo and others",
            ("yes", f"{_PAGE}hosts/test_marimo.py::test_card_and_list_work_in_marimo"),
            ("yes", f"{_TABLES}widgets_that_are_anywidgets[quak]"),
            ("yes", f"{_TABLES}widgets_that_are_anywidgets[perspective-python]"),
            ("no", f"{_TABLES}ipydatagrid_is_none"),
            ("yes", f"{_TABLES}widgets_that_are_anywidgets[itables]"),
        ),
        row(
            "HTML beside the widget, for saved notebooks",
            ("yes", f"{_UNIT}widgets/test_widgets.py::test_bundle_has_text_and_html_twins"),
            ("no", f"{_TABLES}bundle_of_a_peer_has_no_html[quak]"),
            ("no", f"{_TABLES}bundle_of_a_peer_has_no_html[perspective-python]"),
            ("no", f"{_TABLES}bundle_of_a_peer_has_no_html[ipydatagrid]"),
            ("no; its other way of showing has",
             f"{_TABLES}itables_has_a_page_of_its_own_for_notebooks_that_are_saved"),
        ),
        row(
            "What is unlike the others",
            ("kill and compare the chosen rows",
             f"{_PAGE}test_card.py::test_kill_of_the_selection_in_a_list",
             f"{_PAGE}test_compare.py::test_another_choice_is_compared_anew"),
            ("the query as SQL", f"{_TABLES}quak_gives_its_query"),
            ("pivots and charts", f"{_TABLES}perspective_pivots_and_plots"),
            ("cells can be edited", f"{_TABLES}ipydatagrid_edits_cells"),
            ("chosen rows for Python, and a page without a kernel",
             f"{_TABLES}rows_that_are_chosen_are_there_for_python[itables]",
             f"{_TABLES}itables_has_a_page_of_its_own_for_notebooks_that_are_saved"),
        ),
    ),
)  # fmt: skip

DOWNLOADS = Table(
    ("this package", "`aria2c`, then `unzip`", "`curl`, then `unzip`"),
    (
        row(
            "Some members of an archive",
            ("only their bytes", f"{_FETCH}two_small_files_of_a_large_archive_cost_three_small"
             "_requests"),
            ("the whole archive", f"{_GET}whole_archive_is_fetched[aria2c]"),
            ("the whole archive, or ranges that you work out",
             f"{_GET}curl_fetches_a_range_that_somebody_names"),
        ),
        row(
            "Connections",
            ("as many as make it faster", f"{_UNIT}downloads/test_lanes.py"
             "::test_more_connections_are_used_while_they_make_it_faster"),
            ("as many as you say", f"{_GET}aria2c_takes_several_connections"),
            ("one", f"{_GET}curl_takes_one_connection"),
        ),
        row(
            "A download that was cut",
            ("goes on", f"{_FETCH}cut_connections_are_taken_up_where_they_broke"),
            ("goes on", f"{_GET}cut_download_is_continued[aria2c]"),
            ("goes on, with `-C -`", f"{_GET}cut_download_is_continued[curl]"),
        ),
        row(
            "A link that expires",
            ("renewed, and on it goes", f"{_FETCH}expired_link_is_renewed_in_the_middle"),
            ("an error", f"{_GET}link_that_has_expired_ends_it[aria2c]"),
            ("an error", f"{_GET}link_that_has_expired_ends_it[curl]"),
        ),
        row(
            "A damaged member",
            ("error, and no file of that name",
             f"{_FETCH}damaged_member_is_named_and_the_others_come"),
            ("error; it stays under its name",
             f"{_GET}unzip_tells_a_damaged_file_and_leaves_it_under_its_name"),
            ("error; it stays under its name",
             f"{_GET}unzip_tells_a_damaged_file_and_leaves_it_under_its_name"),
        ),
        row(
            "A member named `../../x`",
            ("refused", f"{_FETCH}name_that_leads_out_is_refused_before_anything_is_written"),
            ("put into the folder", f"{_GET}unzip_keeps_names_that_lead_out_in_the_folder"),
            ("put into the folder", f"{_GET}unzip_keeps_names_that_lead_out_in_the_folder"),
        ),
        row(
            "Besides HTTP",
            ("nothing", f"{_HERE}downloads_speak_http_alone"),
            ("SFTP, BitTorrent, Metalink", f"{_GET}aria2c_speaks_more_protocols"),
            ("FTP and more", f"{_GET}curl_speaks_more_protocols"),
        ),
    ),
)  # fmt: skip

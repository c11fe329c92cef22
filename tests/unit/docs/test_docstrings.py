"""The documentation of every public name is there, whole, and in one form.

Types stand in the signatures alone, which ``help()``, a notebook's tooltip and the HTML show beside
the docstring: here it is checked that they are there.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
import inspect
import re
import typing
from functools import cache
from importlib import import_module

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate

from inductiva_widgets import errors
from tests.unit.docs.public_names import MODULES, Name, documented, public_names

NAMES = documented()
FUNCTIONS = [name for name in NAMES if name.function]
# What numpydoc finds that we do not mind.
NOT_ASKED = {
    "ES01": "a summary that says all needs no more words",
    "EX01": "test_main_calls_have_an_example asks for examples where they help",
    "GL01": "the summary stands behind the quotes, as ruff has it (D212)",
    "PR01": "checked here, where inherited constructors and private arguments are known",
    "PR02": "checked here, where the keys of a TypedDict are known",
    "PR04": "types stand in the signature",
    "RT01": "the summary may say what is returned",
    "SA01": "names are linked where they are spoken of",
    "SS02": "two simulators have names that begin with a small letter",
}
RETURNS = re.compile(r"(^|, | and )(return|yield)s?\b", re.IGNORECASE)
ERRORS = {**vars(builtins), **vars(errors)}
# Rooms and classes whose members ask the service, so each says what it costs.
ASKING = {"Task", "TaskList", "tasks", "resources"}
# What must have an example, by its home; tests/integration/test_examples.py runs them.
MAIN = {
    "": "connect InductivaError Status TaskWidget TaskListWidget OutputsWidget DownloadWidget",
    "Task": "get_status get_info wait wait_for_status kill sync_context get_output_files_info "
    "open_output tail_files list_files last_modified_file top download_outputs start_download "
    "download_inputs get_output_url get_metadata set_metadata get_computation_time get_total_time "
    "get_machine_type print_summary watch metrics on_status widget",
    "TaskList": "to_frame from_frame filter kill wait download_outputs start_download compare "
    "watch widget",
    "TaskListWidget": "query filtered pandas_code",
    "TaskWidget": "freeze",
    "tasks": "Task TaskList LogWatch get get_all history clear_history compare to_dict OutputsInfo",
    "simulators": "Simulator SWMM.run CustomImage",
    "downloads": "fetch_archive fetch_file start_archive start_file RemoteArchive Download Limits",
    "utils": "download_from_url",
    "frames": "read to_frame compare",
    "frames.TaskFrameAccessor": "tasks to_csv to_parquet to_excel to_arrow compare timeline "
    "durations costs statuses machines",
    "plots": "costs durations machines statuses timeline",
    "resources": "get get_by_name MachineGroup ElasticMachineGroup MPICluster "
    "BaseMachineGroup BaseMachineGroup.estimate_cost",
    "errors": "error_for_status",
    "http.client": "Client",
}


def gaps(find, names=NAMES):
    """Return what a check finds wrong, by name."""
    found = {name.path: find(name) for name in names}
    return {path: gap for path, gap in found.items() if gap}


def test_the_list_of_names_is_whole():
    paths = {name.path for name in public_names()}
    for path in ("Task.kill", "Task.wait", "tasks.Task.download_outputs", "simulators.GROMACS.run"):
        assert f"inductiva_widgets.{path}" in paths
    assert len(paths) > 450
    assert not [path for path in paths if "._" in path]


def test_modules_begin_with_a_sentence():
    firsts = [inspect.cleandoc(import_module(name).__doc__).splitlines()[0] for name in MODULES]
    assert [first for first in firsts if len(first) <= 20] == []


# numpydoc looks at all attributes of a class, those too that ipywidgets wants nobody to use.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:inspect")
def test_docstrings_are_there_and_well_formed():
    def find(name):
        return [found for found in validate(name.path)["errors"] if found[0] not in NOT_ASKED]

    assert gaps(find) == {}


def test_documented_parameters_are_those_of_the_call_in_order():
    assert gaps(unlike_the_call) == {}


def unlike_the_call(name):
    wanted, allowed = _parameters(name)
    told = _told(name)
    in_order = [key for key in told if key in wanted] == wanted
    return None if in_order and set(told) <= {*wanted, *allowed} else (told, wanted)


def test_a_gap_would_be_noticed():
    def call(first: int) -> None:
        """Do it.

        Parameters
        ----------
        second
            Something else.
        """

    assert gaps(unlike_the_call, [Name("x.call", "x", call)])


def test_parameters_and_results_have_types():
    def find(name):
        signature = inspect.signature(name.function)
        untyped = [key for key, one in signature.parameters.items() if one.annotation is one.empty]
        has_result = signature.return_annotation is not signature.empty
        return [key for key in untyped if key not in {"self", "cls"}] or not has_result

    assert gaps(find, FUNCTIONS) == {}


def test_what_is_returned_is_said():
    def find(name):
        doc, summary = _doc(name), " ".join(_doc(name)["Summary"])
        is_said = doc["Returns"] or doc["Yields"] or RETURNS.search(summary)
        is_nothing = inspect.signature(name.function).return_annotation in {"None", None}
        return None if is_said or is_nothing else summary

    assert gaps(find, FUNCTIONS) == {}


def test_errors_that_are_named_exist():
    def find(name):
        told = [key.strip() for entry in _doc(name)["Raises"] for key in entry.type.split(",")]
        return [key for key in told if not issubclass(ERRORS.get(key, object), BaseException)]

    assert gaps(find) == {}
    assert sum(bool(_doc(name)["Raises"]) for name in NAMES) > 60


def test_options_are_documented_in_the_classes_that_are_named():
    """What ``**options`` may be is written once, where it is declared for several calls."""

    def find(name):
        last = list(inspect.signature(name.function).parameters.values())[-1:]
        unpacked = re.fullmatch(r"Unpack\[(\w+)\]", str(last[0].annotation)) if last else None
        if unpacked is None:
            return None
        room = import_module(name.module)
        declared = getattr(room, unpacked[1])
        entry = next(entry for entry in _doc(name)["Parameters"] if entry.name == "**options")
        named = [getattr(room, key) for key in re.findall(r"``(\w+)``", " ".join(entry.desc))]
        told = {key for options in named for key in _keys(_class_doc(options))}
        return declared not in named or set(declared.__annotations__) - told

    assert gaps(find, FUNCTIONS) == {}


def test_what_may_ask_the_service_says_what_it_costs():
    def find(name):
        # What an answer was made into asks nothing more, and a property says so only if it asks.
        is_asking = not (
            inspect.isclass(name.thing)
            or isinstance(name.thing, property)
            or dataclasses.is_dataclass(name.owner)
        )
        return is_asking and not re.search(r"\brequests?\b", name.docstring, re.IGNORECASE)

    assert gaps(find, [name for name in NAMES if name.path.split(".")[1] in ASKING]) == {}


def test_main_calls_have_an_example():
    known = {name.path: name.docstring for name in public_names()}
    main = [
        ".".join(filter(None, ["inductiva_widgets", home, key]))
        for home, keys in MAIN.items()
        for key in keys.split()
    ]
    assert [path for path in main if ">>> " not in known[path]] == []


def test_names_are_marked_in_one_way():
    """Between double backticks, which reads well as plain text too; roles of Sphinx do not."""

    def find(name):
        return re.findall(r":\w+:`|(?<!`)`(?!`)[^`\n]+`(?!`)", name.docstring)

    assert gaps(find) == {}


# What is documented, and what there is


@cache
def _doc(name):
    if inspect.isclass(name.thing):
        return _class_doc(name.thing)
    return FunctionDoc(name.function or name.thing.fget)


def _class_doc(kind):
    return ClassDoc(kind, config={"show_class_members": False})


def _keys(doc):
    return [key.strip() for entry in doc["Parameters"] for key in entry.name.split(",")]


def _told(name):
    """Return the parameters that are documented; a constructor's on the class, or on itself.

    On itself where others inherit it, so that they show it as well.
    """
    keys = _keys(_doc(name))
    if inspect.isclass(name.thing) and not keys and inspect.isfunction(name.thing.__init__):
        keys = _keys(FunctionDoc(name.thing.__init__))
    return keys


def _parameters(name):
    """Return the parameters that must be documented, and others that may be."""
    thing = name.thing
    if not inspect.isclass(thing):
        return (_of_signature(name.function) if name.function else []), ()
    if typing.is_typeddict(thing):
        return _own_and_inherited(thing)
    if issubclass(thing, enum.Enum) or getattr(thing, "_is_protocol", False):
        return [], ()
    if dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing)], ()
    for fields in ("__struct_fields__", "_fields"):
        if hasattr(thing, fields):
            return list(getattr(thing, fields)), ()
    is_ours = getattr(thing.__init__, "__module__", "").startswith("inductiva_widgets")
    return (_of_signature(thing.__init__) if is_ours else []), ()


def _own_and_inherited(options):
    """Return the keys of a TypedDict, whose bases Python does not tell before 3.12."""
    keys = options.__annotations__
    others = filter(typing.is_typeddict, vars(import_module(options.__module__)).values())
    bases = [other for other in others if other.__annotations__.keys() < keys.keys()]
    inherited = {key for base in bases for key in base.__annotations__}
    return [key for key in keys if key not in inherited], inherited


def _of_signature(function):
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [
        stars.get(parameter.kind, "") + parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in {"self", "cls"} and not parameter.name.startswith("_")
    ]

"""Workflows, hooks and issue forms are what GitHub reads, and name only what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.release.interpreters import SUPPORTED

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FORMS = GITHUB / "ISSUE_TEMPLATE"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TEST = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text())
RELEASE = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text())
# Each folder of tests that has a target of its own.
SUITES = {
    path.parent.name
    for path in (ROOT / "tests").glob("*/__init__.py")
    if [*path.parent.rglob("test_*.py")]
}
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MAKE = re.compile(r"(?:^|`|run: |exec |&& )make (?:[A-Z]+=\S+ )*([a-z][a-z-]*)", re.MULTILINE)
NAMING = [
    ROOT / "README.md",
    ROOT / ".ci" / "run",
    ROOT / ".pre-commit-config.yaml",
    GITHUB / "CONTRIBUTING.md",
    GITHUB / "PULL_REQUEST_TEMPLATE.md",
    *WORKFLOWS,
]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        (
            "github-issue-forms",
            [GITHUB / "ISSUE_TEMPLATE" / f"{n}.yml" for n in ("bug", "feature")],
        ),
        ("github-issue-config", [FORMS / "config.yml"]),
    ],
)
def test_files_are_as_github_describes_them(schema, files):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(path):
    assert set(MAKE.findall(path.read_text())) <= TARGETS


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_shards_of_the_workflow_are_make_test_all():
    job = TEST["jobs"]["all"]
    assert "continue-on-error" not in job
    assert "continue-on-error" not in TEST["jobs"]["python"]
    [command] = commands(job)
    assert "${{ matrix.shard.make }} SELECT=${{ matrix.shard.select || 'gate' }}" in command
    sharded = set()
    for shard in job["strategy"]["matrix"]["shard"]:
        select = shard.get("select", "gate")
        assert select in ("gate", "extended", "all")
        for target in shard["make"].split():
            assert target in TARGETS
            is_suite = target.removeprefix("test-") in SUITES
            parts = ("gate", "extended") if select == "all" or not is_suite else (select,)
            sharded |= {(target, part) for part in parts}
    wanted = {"lint", "types", "test-js", *(f"test-{suite}" for suite in SUITES)}
    assert sharded == {(target, part) for target in wanted for part in ("gate", "extended")}


def test_ci_runs_the_gate_and_then_the_rest():
    made = re.findall(r"make (\S+)", (ROOT / ".ci" / "run").read_text())
    assert made == ["test", "test-extended"]


def test_what_fails_in_the_workflow_leaves_its_records():
    for name in ("all", "python"):
        (kept,) = [one for one in TEST["jobs"][name]["steps"] if one.get("if") == "failure()"]
        assert kept["with"]["path"] == "tests/artifacts"


def test_pythons_are_the_same_in_classifiers_workflow_and_matrix():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: 3."
    classified = {
        one.rpartition(" ")[2] for one in project["classifiers"] if one.startswith(prefix)
    }
    (set_up,) = [
        one["with"]["python-version"]
        for one in TEST["jobs"]["all"]["steps"]
        if one.get("uses", "").startswith("actions/setup-python@")
    ]
    versions = set_up.split()
    tested = {versions[-1], *TEST["jobs"]["python"]["strategy"]["matrix"]["python"]}
    assert classified == set(SUPPORTED) == set(versions) == tested
    assert project["requires-python"] == f">={SUPPORTED[0]}"


@pytest.mark.parametrize("workflow", [TEST, RELEASE], ids=["test", "release"])
def test_workflow_may_only_read_and_names_its_actions_by_version(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", ())]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    for action in actions:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", action)
    for step in steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_release_is_tested_and_needs_no_token():
    assert RELEASE["jobs"]["test"]["uses"] == "./.github/workflows/test.yml"
    assert RELEASE["jobs"]["build"]["needs"] == "test"
    assert RELEASE["jobs"]["publish"]["needs"] == "build"
    assert RELEASE["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets" not in (GITHUB / "workflows" / "release.yml").read_text()


def test_hooks_fetch_nothing_and_use_the_virtual_environment():
    for repository in HOOKS["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert hook["entry"].startswith((".venv/bin/", "npm --prefix js run "))

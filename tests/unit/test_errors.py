import ast
import inspect
import pickle

import pytest

from inductiva_widgets import errors


def test_the_drawn_tree_is_the_real_one():
    drawn = {}
    stack = ["InductivaError"]
    for line in errors.__doc__.splitlines():
        text = line.strip()
        if "──" not in text:
            continue
        depth = (len(line) - len(line.lstrip(" │├└─"))) // 4 - 1
        name = line.lstrip(" │├└─").split()[0]
        del stack[depth:]
        drawn[name] = stack[-1]
        stack.append(name)
    real = {
        name: value.__mro__[1].__name__
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and name != "InductivaError"
        if not issubclass(value, Warning)
    }
    assert drawn == real


def test_all_lists_every_public_name():
    tree = ast.parse(inspect.getsource(errors))
    public = {
        node.name
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_")
    }
    assert set(errors.__all__) == public


def test_every_error_status_has_a_class():
    classes = [errors.error_for_status(status) for status in range(400, 600)]
    assert all(issubclass(kind, errors.APIError) for kind in classes)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequestError),
        (401, errors.AuthenticationError),
        (403, errors.AuthenticationError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (422, errors.InvalidRequestError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_status_maps_to_its_class(status, kind):
    assert errors.error_for_status(status) is kind


def test_message_shows_control_characters_of_values():
    error = errors.TaskError("Task \x1b]0;x\x07\u202e failed.")
    assert str(error) == r"Task \x1b]0;x\x07\u202e failed."


def test_hint_is_for_python_and_for_the_shell():
    error = errors.TaskError("It runs.", hint="Call task.wait().", shell_hint="Use `logs`.")
    assert str(error) == error.args[0] == "It runs. Call task.wait()."
    assert error.shell_message == "It runs. Use `logs`."
    assert errors.TaskError("It runs.", hint="Wait.").shell_message == "It runs. Wait."
    assert pickle.loads(pickle.dumps(error)).shell_message == error.shell_message

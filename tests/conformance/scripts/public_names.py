"""Public names of the vendor's client with their arguments; runs on it, by `worker.py`."""

import inspect

import inductiva

SHOWN = ("tasks", "resources", "simulators", "projects", "commands", "users", "storage")
TOP = ("get_api_key", "get_output_dir", "set_api_key", "set_output_dir")
UNNAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def arguments_of(thing):
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return []
    named = [one.name for one in parameters if one.kind not in UNNAMED]
    return [name for name in named if name != "self" and not name.startswith("_")]


def members_of(path, owner):
    yield path, arguments_of(owner)
    for key in dir(owner):
        if not key.startswith("_"):
            thing = inspect.getattr_static(owner, key)
            if isinstance(thing, property):
                yield f"{path}.{key}", []
            elif inspect.isfunction(thing) or isinstance(thing, (classmethod, staticmethod)):
                yield f"{path}.{key}", arguments_of(getattr(owner, key))


def names():
    for key in TOP:
        yield key, arguments_of(getattr(inductiva, key))
    for module in SHOWN:
        home = getattr(inductiva, module)
        for key in dir(home):
            thing = getattr(home, key)
            is_own = getattr(thing, "__module__", "").startswith(f"inductiva.{module}")
            if key.startswith("_") or not is_own:
                continue
            if inspect.isclass(thing):
                yield from members_of(f"{module}.{key}", thing)
            elif inspect.isfunction(thing):
                yield f"{module}.{key}", arguments_of(thing)


answer(dict(names()))  # noqa: F821 - the worker has it

"""Writes the parts of docs/*.md that repeat the code: settings, options, routes, aliases.

    python docs/generate.py            rewrites them
    python docs/generate.py --check    changes nothing; exit status 1 when one is stale

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; the text around
it is written by hand.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
import typer.main
from pydantic.fields import FieldInfo

from shelfwise.app import AppConfig
from shelfwise.cli import app
from shelfwise.core.columns import EVENT_TYPES
from shelfwise.core.settings import Settings
from shelfwise.ingest import CONNECTORS
from shelfwise.ingest.aliases import ALIASES, ATTRIBUTE_NAMES, REQUIRED
from shelfwise.ingest.demo_shop import DemoConfig
from shelfwise.serving.errors import RETRY_SECONDS, STATUS
from shelfwise.serving.routes import ENDPOINTS

DOCS: Final = Path(__file__).parent
_BLOCK: Final = re.compile(
    r"<!-- generated: (?P<name>[\w-]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# Settings


def settings() -> str:
    """Every setting, a table a section; a group that occurs often is told once."""
    sections = list(_sections(AppConfig, ""))
    often = {
        group
        for _, group in sections
        if sum(other is group for _, other in sections) > 1 and _has_rows(group)
    }
    parts = [_section(path, group, often) for path, group in sections if group not in often]
    for group in sorted(often, key=lambda one: one.__name__):
        paths = ", ".join(f"`{path}`" for path, other in sections if other is group)
        rows = table(_SETTING_HEAD, _setting_rows(group, ""))
        where = f"A group within each of {paths}; write its name, a dot, and a name below."
        parts.append(f"## {_title(group)}\n\n{_first_line(group)}\n\n{where}\n\n{rows}")
    return "\n\n".join(part for part in parts if part)


_SETTING_HEAD: Final = ("setting", "default", "allowed", "meaning")


def _sections(group: type[Settings], path: str) -> Iterable[tuple[str, type[Settings]]]:
    yield path, group
    for name, field in group.model_fields.items():
        inner = _group_of(field)
        if inner is not None:
            yield from _sections(inner, f"{path}.{name}".strip("."))


def _section(path: str, group: type[Settings], often: set[type[Settings]]) -> str:
    if not _has_rows(group) or not path:
        return ""
    rows = list(_setting_rows(group, f"{path}."))
    rows += [
        (f"`{path}.{name}`", "", "", f"A group: see [{_title(inner).lower()}](#{_anchor(inner)}).")
        for name, field in group.model_fields.items()
        if (inner := _group_of(field)) in often and inner is not None
    ]
    return f"## `{path}`\n\n{_first_line(group)}\n\n{table(_SETTING_HEAD, rows)}"


def _title(group: type[Settings]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", group.__name__.removesuffix("Config")).capitalize()


def _anchor(group: type[Settings]) -> str:
    return _title(group).lower().replace(" ", "-")


def _setting_rows(group: type[Settings], prefix: str) -> Iterable[tuple[str, str, str, str]]:
    for name, field in group.model_fields.items():
        if _group_of(field) is None:
            default = _toml(field.get_default(call_default_factory=True))
            yield f"`{prefix}{name}`", default, _allowed(field), field.description or ""


def _has_rows(group: type[Settings]) -> bool:
    return any(_group_of(field) is None for field in group.model_fields.values())


def _group_of(field: FieldInfo) -> type[Settings] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _first_line(group: type[Settings]) -> str:
    return (group.__doc__ or "").strip().split("\n\n")[0]


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list):
        return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(rule, name, None) is not None
    ]
    return ", ".join([_kind(field.annotation), *limits])


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f'`"{one}"`' for one in get_args(annotation))
    names = {
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        str: "text",
        date: "date",
    }
    if annotation in names:
        return names[annotation]
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    parts = [_kind(one) for one in get_args(annotation) if one is not type(None)]
    return " or ".join(parts) or str(annotation)


def demo_config() -> str:
    """The size of the demo shop."""
    return table(_SETTING_HEAD, _setting_rows(DemoConfig, ""))


# Command line


def commands() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    functions = {
        one.name or one.callback.__name__.replace("_", "-"): one.callback
        for one in app.registered_commands
        if one.callback is not None
    }
    parts = []
    for name, command in group.commands.items():
        kinds = get_type_hints(functions[name])
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        usage = " ".join(["shelfwise", name, *(_metavar(one) for one in arguments), "[OPTIONS]"])
        rows = [(f"`{_metavar(one)}`", "required", one.help or "") for one in arguments]
        rows += [(_flags(one, kinds[one.name]), _default(one), one.help or "") for one in options]
        about = (command.help or "").strip()
        listed = table(("option", "default", "meaning"), rows)
        parts.append(f"### `shelfwise {name}`\n\n{about}\n\n```text\n{usage}\n```\n\n{listed}")
    return "\n\n".join(parts)


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _flags(option: Any, kind: Any) -> str:
    words = [f"`{word}`" for word in (*option.opts, *option.secondary_opts)]
    value = "" if option.is_flag else f" `{option.metavar or _value_of(kind)}`"
    return f"{', '.join(words)}{value}"


def _value_of(kind: Any) -> str:
    """What a value of this kind looks like."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(one.value) for one in kind)
    words = {int: "NUMBER", float: "NUMBER", Path: "FILE", str: "TEXT"}
    if kind in words:
        return words[kind]
    return next(_value_of(one) for one in get_args(kind) if one is not type(None))


def _default(option: Any) -> str:
    value = option.default
    if option.secondary_opts and isinstance(value, bool):
        return f"`{(option.opts if value else option.secondary_opts)[0]}`"
    if value is None or value is False or value in ([], ()):  # nothing to tell
        return ""
    return f"`{getattr(value, 'value', value)}`"


# Files


def formats() -> str:
    """Every format that `--format` takes."""
    return table(("`--format`", "reads"), [(f"`{one.name}`", one.about) for one in CONNECTORS])


def aliases(kind: str) -> str:
    """Every column of files of one kind, and the names it is recognised by."""
    rows = []
    for ours, names in ALIASES[kind].items():
        others = ", ".join(f"`{name}`" for name in names.split() if name != ours)
        rows.append((f"`{ours}`", "yes" if ours in REQUIRED[kind] else "", others))
    return table(("column", "required", "also known as"), rows)


def attributes() -> str:
    """The columns of a product file that become attributes by themselves."""
    return ", ".join(f"`{name}`" for name in ATTRIBUTE_NAMES.split())


def event_types() -> str:
    """The event types."""
    return ", ".join(f"`{name}`" for name in EVENT_TYPES)


# HTTP


def routes() -> str:
    """Every route, a row each."""
    rows = [(f"`{one.method} {one.path}`", one.summary, str(one.status)) for one in ENDPOINTS]
    return table(("route", "what it does", "success"), rows)


def bodies() -> str:
    """The fields of every body a route takes."""
    structs = dict.fromkeys(body for one in ENDPOINTS for body in one.bodies)
    return "\n\n".join(_fields(one) for one in structs)


def answers() -> str:
    """The fields of every answer a route gives."""
    structs = dict.fromkeys(one.answer for one in ENDPOINTS if one.answer is not None)
    return "\n\n".join(_fields(one) for one in structs)


def _fields(struct: type[msgspec.Struct]) -> str:
    _, schemas = msgspec.json.schema_components([struct])
    schema = schemas[struct.__name__]
    routes = [f"`{one.method} {one.path}`" for one in ENDPOINTS if struct in _structs_of(one)]
    said = _field_docstrings(struct)
    rows = [
        (
            f"`{name}`",
            _json_type(part) + _json_default(part),
            said.get(name) or part.get("description", ""),
        )
        for name, part in schema["properties"].items()
    ]
    about = schema.get("description", "").replace("\n", " ")
    listed = table(("field", "type", "meaning"), rows)
    return f"#### `{struct.__name__}` ({', '.join(routes)})\n\n{about}\n\n{listed}"


def _field_docstrings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands in quotes below each field of the class."""
    source = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    return {
        field.target.id: str(below.value.value)
        for definition in source.body
        if isinstance(definition, ast.ClassDef)
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }


def _structs_of(endpoint: Any) -> tuple[Any, ...]:
    return (*endpoint.bodies, endpoint.answer)


def _json_type(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return f"`{part['$ref'].rsplit('/', 1)[-1]}`"
    if "anyOf" in part:
        kinds = [_json_type(one) for one in part["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in part:
        return " or ".join(f"`{one}`" for one in part["enum"])
    kind = str(part.get("type", "any"))
    if kind == "array":
        inner = part.get("items") or (part.get("prefixItems") or [{}])[0]
        return f"list of {_json_type(inner)}"
    limits = [
        f"{sign} {part[name]:g}"
        for name, sign in (("minimum", "≥"), ("maximum", "≤"))
        if name in part
    ]
    return ", ".join([kind, *limits])


def _json_default(part: dict[str, Any]) -> str:
    value = part.get("default")
    return "" if value in (None, [], "") else f", default `{json.dumps(value)}`"


def errors() -> str:
    """Every error code, its status and when to try again."""
    rows = [
        (f"`{code}`", str(status), str(RETRY_SECONDS.get(code, "")))
        for code, status in STATUS.items()
    ]
    return table(("code", "status", "`Retry-After`, seconds"), rows)


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "demo-config": demo_config,
    "commands": commands,
    "formats": formats,
    "event-types": event_types,
    "attributes": attributes,
    "aliases-events": lambda: aliases("events"),
    "aliases-products": lambda: aliases("products"),
    "aliases-reviews": lambda: aliases("reviews"),
    "routes": routes,
    "bodies": bodies,
    "answers": answers,
    "errors": errors,
}


def regenerated(text: str) -> str:
    """The page with every generated part made anew."""

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- generated: {name} -->\n\n{BLOCKS[name]()}\n\n<!-- end: {name} -->"

    return _BLOCK.sub(block, text)


def main(arguments: Sequence[str]) -> int:
    """Rewrites stale pages, or with `--check` only names them; the exit status."""
    stale = []
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        fresh = regenerated(text)
        if fresh != text:
            stale.append(page)
            if "--check" not in arguments:
                page.write_text(fresh, encoding="utf-8")
    said = "is stale: run python docs/generate.py" if "--check" in arguments else "was rewritten"
    for page in stale:
        sys.stdout.write(f"{page.relative_to(DOCS.parent)} {said}\n")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

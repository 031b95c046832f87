"""The pages of the reference, each written from the code: the command, the REST contract, the protos, the settings."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc_tools
import typer
from cli.__main__ import app
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.cli import get_docs_for_click

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ("title", "currency", "pricing", "order", "customer", "gateway", "monolith", "cli")
NAMES = {"cli": "the figtree command"}


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {"cli": cli(), "rest": rest(), "grpc": grpc(), "events": events(), "settings": settings()}


def cli() -> str:
    """Every command with its arguments and options, as Typer documents them."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="figtree", max_content_width=400, terminal_width=400)
    return get_docs_for_click(obj=command, ctx=context, name="figtree", title="The figtree command")


def rest() -> str:
    """Every route with its parameters, its body and its answers; then every schema."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    parts = ["# REST", "", "The contract as a document: [openapi.json](../openapi.json).", ""]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parts += [f"## {method.upper()} {path}", "", operation.get("description", ""), ""]
            body = operation.get("requestBody", {}).get("content", {})
            parts += [f"Body: {_contents(body)}.", ""] if body else []
            parameters = (
                (
                    f"`{one['name']}`",
                    one["in"],
                    _type(one["schema"]),
                    _wanted(one),
                    one.get("description", ""),
                )
                for one in operation.get("parameters", [])
            )
            parts += _table(("parameter", "in", "type", "required", "meaning"), parameters)
            answers = (
                (status, one["description"], _contents(one.get("content", {})))
                for status, one in operation["responses"].items()
            )
            parts += _table(("status", "when", "body"), answers)
    for name, schema in document["components"]["schemas"].items():
        parts += [f"## {name}", "", schema.get("description", ""), ""]
        required = schema.get("required", [])
        fields = (
            (f"`{field}`", _type(one), "yes" if field in required else "no", one.get("description", ""))
            for field, one in schema.get("properties", {}).items()
        )
        parts += _table(("field", "type", "required", "meaning"), fields)
    return "\n".join(parts)


def grpc() -> str:
    """Every service, method, message and enumeration with its comment."""
    parts = [
        "# gRPC",
        "",
        "Money, pages and errors are those of [the conventions](../architecture.md#conventions).",
        "",
    ]
    for file in _descriptors():
        comments = {tuple(at.path): at.leading_comments.strip() for at in file.source_code_info.location}
        for i, service in enumerate(file.service):
            parts += [f"## {file.package}.{service.name}", "", comments.get((6, i), ""), ""]
            rows = (
                (
                    f"`{method.name}`",
                    _stream(method.input_type, streams=method.client_streaming),
                    _stream(method.output_type, streams=method.server_streaming),
                    comments.get((6, i, 2, j), ""),
                )
                for j, method in enumerate(service.method)
            )
            parts += _table(("method", "request", "response", "meaning"), rows)
        for i, message in enumerate(file.message_type):
            parts += _message(message, f"{file.package}.{message.name}", (4, i), comments)
        for i, enumeration in enumerate(file.enum_type):
            parts += _enumeration(enumeration, f"{file.package}.{enumeration.name}", (5, i), comments)
    return "\n".join(parts)


def events() -> str:
    """What goes through the queue: how it is delivered, and every message with its headers and fields."""
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    parts = ["# Events", "", "The contract as a document: [asyncapi.json](../asyncapi.json).", ""]
    parts += [document["info"]["description"], ""]
    for channel in document["channels"].values():
        parts += [f"## {channel['address']}", "", channel["description"], ""]
        rows = ((f"`{key}`", _value(value)) for key, value in channel["x-jetstream-stream"].items())
        parts += _table(("stream", "value"), rows)
    operations = (
        (name, one["action"], one["summary"], ", ".join(_type(message) for message in one["messages"]))
        for name, one in document["operations"].items()
    )
    parts += ["## Operations", "", *_table(("operation", "action", "meaning", "messages"), operations)]
    consumer = document["operations"]["fulfil"]["x-jetstream-consumer"]
    parts += _table(("consumer", "value"), ((f"`{key}`", _value(value)) for key, value in consumer.items()))
    schemas = document["components"]["schemas"]
    for name, message in document["components"]["messages"].items():
        parts += [f"## {name}", "", message["summary"], ""]
        for head, schema in (("field", schemas[name]), ("header", schemas[f"{name}Headers"])):
            fields = (
                (
                    f"`{field}`",
                    f"`{one['const']}`" if "const" in one else _type(one),
                    "yes" if field in schema["required"] else "no",
                    one.get("description", ""),
                )
                for field, one in schema["properties"].items()
            )
            parts += _table((head, "type", "required", "meaning"), fields)
    return "\n".join(parts)


def settings() -> str:
    """Every variable of the environment, by the processes that read it."""
    readers: dict[tuple[str, ...], list[str]] = {}
    for name in PROCESSES:
        declared: type[BaseSettings] = import_module(f"{name}.settings").Settings
        for variable, field in declared.model_fields.items():
            default = "required" if field.default is PydanticUndefined else f"`{field.default}`"
            default = "empty" if field.default == "" else default
            row = (f"`{variable.upper()}`", default, field.description or "")
            readers.setdefault(row, []).append(NAMES.get(name, name))
    rows = (
        (variable, ", ".join(names), default, meaning)
        for (variable, default, meaning), names in sorted(readers.items())
    )
    table = _table(("variable", "read by", "default", "meaning"), rows)
    meanings = "[processes and their settings](../architecture.md#processes-and-their-settings)"
    return "\n".join(["# Settings", "", f"What the variables of the system mean: {meanings}.", "", *table])


def _descriptors() -> Iterable[FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "descriptors"
        protos = sorted(
            str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto" / "figtree").rglob("*.proto")
        )
        include = [f"-I{ROOT / 'proto'}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
        options = [*include, "--include_source_info", f"--descriptor_set_out={made}"]
        if protoc.main(["protoc", *options, *protos]) != 0:
            raise ValueError("the protos cannot be compiled")
        return FileDescriptorSet.FromString(made.read_bytes()).file


def _message(
    message: DescriptorProto, name: str, at: tuple[int, ...], comments: dict[tuple[int, ...], str]
) -> Iterator[str]:
    yield from (f"## {name}", "", comments.get(at, ""), "")
    rows = (
        (f"`{field.name}`", str(field.number), _field(field), comments.get((*at, 2, i), ""))
        for i, field in enumerate(message.field)
    )
    yield from _table(("field", "number", "type", "meaning"), rows)
    for i, nested in enumerate(message.nested_type):
        yield from _message(nested, f"{name}.{nested.name}", (*at, 3, i), comments)
    for i, enumeration in enumerate(message.enum_type):
        yield from _enumeration(enumeration, f"{name}.{enumeration.name}", (*at, 4, i), comments)


def _enumeration(
    enumeration: EnumDescriptorProto, name: str, at: tuple[int, ...], comments: dict[tuple[int, ...], str]
) -> Iterator[str]:
    yield from (f"## {name}", "", comments.get(at, ""), "")
    rows = (
        (f"`{value.name}`", str(value.number), comments.get((*at, 2, i), ""))
        for i, value in enumerate(enumeration.value)
    )
    yield from _table(("value", "number", "meaning"), rows)


def _field(field: FieldDescriptorProto) -> str:
    named = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    one = _reference(field.type_name.lstrip(".")) if field.type_name else named
    return f"repeated {one}" if field.label == FieldDescriptorProto.LABEL_REPEATED else one


def _stream(name: str, *, streams: bool) -> str:
    return f"{'stream of ' if streams else ''}{_reference(name.lstrip('.'))}"


def _reference(name: str) -> str:
    short = name.rpartition(".")[2]
    return f"[{short}](#{_anchor(name)})" if name.startswith("figtree.") else name


def _anchor(heading: str) -> str:
    return "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "-_")


def _contents(content: dict[str, Any]) -> str:
    return ", ".join(f"{_type(one.get('schema', {}))} as `{kind}`" for kind, one in content.items())


def _wanted(parameter: dict[str, Any]) -> str:
    return "yes" if parameter.get("required") else "no"


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in a word or two."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "any")


def _value(value: object) -> str:
    return ", ".join(f"`{one}`" for one in value) if isinstance(value, list) else f"`{value}`"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads), *lines, ""] if lines else []

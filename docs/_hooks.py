"""Pages of the site that are generated from the code, so that they say what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages on settings, formats and commands."""
    from mkdocs.structure.files import File

    pages = {"settings.md": settings_page(), "formats.md": formats_page(), "commands.md": commands_page()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    _complete(config, files)
    return files


def _complete(config: MkDocsConfig, files: Files) -> None:
    """Name pages that mkdocs.yml does not at the end of its list, so that every page can be reached."""
    named = str(config.nav)
    left = sorted(file.src_uri for file in files.documentation_pages() if f"'{file.src_uri}'" not in named)
    if left and config.nav is not None:
        config.nav.append({"More": left})


def settings_page() -> str:
    """Every setting with its default and meaning, from emorec/settings."""
    from emorec.settings import Settings

    lines = [
        "# Settings",
        "",
        "Set them in `emorec.toml` in the working folder (or the file that `EMOREC_CONFIG` names), or by environment:",
        "",
        "```toml",
        "[recording]",
        "rate_hz = 1",
        "```",
        "",
        "is the same as `EMOREC_RECORDING__RATE_HZ=1`. The environment goes before the file. Settings that differ from",
        "the defaults are written into each session.",
    ]
    top = [(name, field) for name, field in Settings.model_fields.items() if not _is_area(field.annotation)]
    lines += ["", "## At the top", "", *_table((name, field) for name, field in top)]
    for path, area in _areas(Settings, ""):
        lines += ["", f"## `[{path}]`", "", (area.__doc__ or "").strip(), ""]
        lines += _table((n, f) for n, f in area.model_fields.items() if not _is_area(f.annotation))
    return "\n".join(lines) + "\n"


def _is_area(kind: Any) -> bool:
    from pydantic import BaseModel

    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _areas(model: Any, above: str) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if _is_area(field.annotation):
            yield f"{above}{name}", field.annotation
            yield from _areas(field.annotation, f"{above}{name}.")


def _table(fields: Any) -> list[str]:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in fields:
        default = (field.default_factory and "a folder of the user's") or _shown(field.default)
        rows.append(f"| `{name}` | {default} | {_cell(field.description or '')} |")
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "<br>".join(f"`{key} = {part}`" for key, part in value.items())
    return "not set" if value is None else f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def formats_page() -> str:
    """Every table of a session with its columns, from emorec/schemas.py."""
    from emorec.schemas import SCHEMA_VERSION, SCHEMAS

    lines = [
        "# Formats",
        "",
        f"A session is a folder of Parquet tables (zstd) and `session.json`; this is schema {SCHEMA_VERSION}.",
        "Missing is null, never 0 or a guess. Every table begins with `session`, so that `sessions/*/timeline.parquet`",
        "is one dataset. Units and meanings are in each column's field metadata. A table without rows may be missing.",
    ]
    for name, schema in SCHEMAS.items():
        lines += ["", f"## {name}.parquet", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        for field in schema:
            unit, meaning = (field.metadata[key].decode() for key in (b"unit", b"meaning"))
            lines.append(f"| `{field.name}` | {field.type} | {unit} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its help, from the command line itself."""
    import click
    import typer

    from emorec.cli import app

    root = typer.main.get_command(app)
    lines = ["# Commands", "", "`emorec COMMAND --help` says the same.", ""]
    for path, command in _commands(root, ()):
        context = click.Context(command, info_name=" ".join(("emorec", *path)))
        text = " ".join((command.help or "").replace("\b", "").split("Example:")[0].split())
        example = (command.help or "").partition("Example:")[2].strip()
        lines += [f"## emorec {' '.join(path)}", "", text, ""]
        if example:
            lines += ["```", " ".join(example.split()), "```", ""]
        options = [record for p in command.get_params(context) if (record := _option(p))]
        if options:
            lines += ["| option | meaning |", "|---|---|", *options, ""]
    return "\n".join(lines) + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, sub in getattr(command, "commands", {}).items():
        if getattr(sub, "commands", None):
            yield from _commands(sub, (*path, name))
        else:
            yield (*path, name), sub


def _option(parameter: Any) -> str:
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    return f"| {names} | {_cell(getattr(parameter, 'help', '') or '')} |"

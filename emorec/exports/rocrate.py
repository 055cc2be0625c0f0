"""An RO-Crate: the session's tables as they are, and a metadata record for researchers.

Source: RO-Crate Metadata Specification 1.1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.files import json_bytes, parquet_bytes
from emorec.schemas import SCHEMAS

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["write_rocrate"]

SPECIFICATION: Final = "https://w3id.org/ro/crate/1.1"
PARQUET: Final = "application/vnd.apache.parquet"


def write_rocrate(session: Session, folder: Path) -> list[Path]:
    """The tables as Parquet, session.json, and ``ro-crate-metadata.json`` that describes them."""
    about = session.metadata
    entities: list[dict[str, Any]] = []
    for name, schema in SCHEMAS.items():
        table = session.table(name)
        if not len(table):
            continue
        path = folder / f"{name}.parquet"
        path.write_bytes(parquet_bytes(table))
        columns = [{"@id": f"#{name}-{field.name}"} for field in schema]
        entities.append({**_file(path, f"Table {name}", PARQUET), "variableMeasured": columns})
        entities += [_column(name, field) for field in schema]
    path = folder / "session.json"
    path.write_bytes(json_bytes(dict(about)))
    entities.append(_file(path, "What the session is and how it was made", "application/json"))
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": SPECIFICATION},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": about["title"],
            "description": "Presence, attention and engagement in a recorded meeting or lecture, as emorec estimated "
            "them from the recording.",
            "datePublished": about["date"],
            "identifier": session.id,
            "isBasedOn": {"@id": f"#recording-{session.id}"},
            "license": {"@id": "#no-license"},
            "hasPart": [{"@id": entity["@id"]} for entity in entities if entity["@type"] == "File"],
            "mentions": {"@id": "#analysis"},
        },
        {"@id": "#no-license", "@type": "CreativeWork", "name": "Not licensed; ask whoever holds the session"},
        {
            "@id": f"#recording-{session.id}",
            "@type": "MediaObject",
            "name": about["recording"]["name"],
            "sha256": about["recording"]["sha256"],
            "duration": f"PT{about['recording']['duration_s']:.3f}S",
        },
        {
            "@id": "#analysis",
            "@type": "CreateAction",
            "name": "Analysis of the recording",
            "instrument": {"@id": "#emorec"},
            "object": {"@id": f"#recording-{session.id}"},
            "result": {"@id": "./"},
        },
        {"@id": "#emorec", "@type": "SoftwareApplication", "name": "emorec", "version": about["emorec"]},
        *entities,
    ]
    path = folder / "ro-crate-metadata.json"
    document = {"@context": f"{SPECIFICATION}/context", "@graph": graph}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path]


def _file(path: Path, name: str, kind: str) -> dict[str, Any]:
    size = str(path.stat().st_size)
    return {"@id": path.name, "@type": "File", "name": name, "encodingFormat": kind, "contentSize": size}


def _column(table: str, field: Any) -> dict[str, Any]:
    unit = field.metadata[b"unit"].decode()
    return {
        "@id": f"#{table}-{field.name}",
        "@type": "PropertyValue",
        "name": field.name,
        "description": field.metadata[b"meaning"].decode(),
        **({"unitText": unit} if unit else {}),
    }

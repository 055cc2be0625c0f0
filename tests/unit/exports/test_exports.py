"""A session in other people's formats, read back by the software of each format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emorec.amend import Additions, amend
from emorec.errors import InputError
from emorec.exports import EXPORTERS, export
from emorec.settings.sidecars import SidecarsSettings
from emorec.store import Session
from tests.builders import write_session

TRANSCRIPT = """WEBVTT

00:00:02.000 --> 00:00:06.000
Ana Lima: =cmd() — can you "hear"	me?

00:00:05.000 --> 00:00:09.500
Ana Lima: Yes.
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A session with all tables, some text of which looks like a formula."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "t.vtt").write_text(TRANSCRIPT)
    (folder / "c.txt").write_text("00:00:14\t Tom Roe:\tWhich page?\n")
    (folder / "s.txt").write_text("0:00 Welcome\n2:00 Next\n")
    files: Any = {"transcript": folder / "t.vtt", "chat": folder / "c.txt", "chapters": folder / "s.txt"}
    made = write_session(folder / "store", participants=3, minutes=4)
    settings = SidecarsSettings(keep_text=True, keep_names=True)
    return amend(made, Additions(files=files, labels={"P01": "Ana Lima"}), settings)


@pytest.fixture(scope="module")
def exported(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """What each exporter says it wrote."""
    folder = tmp_path_factory.mktemp("out")
    return {to: export(session, to, folder / to) for to in EXPORTERS}


def test_csv_holds_every_table_with_its_columns(session: Session, exported: dict[str, list[Path]]) -> None:
    frames = {path.stem: pd.read_csv(path) for path in exported["csv"]}
    assert set(frames) == {
        "timeline", "windows", "group", "group_windows", "participants", "left_out", "moments", "speech", "chat",
        "chapters", "columns",
    }  # fmt: skip
    for name, frame in frames.items():
        if name != "columns":
            assert list(frame) == session.table(name).column_names
            assert len(frame) == len(session.table(name))
            assert set(frame.columns) <= set(frames["columns"][frames["columns"].table == name].column)
    attention = session.timeline.attention.astype(float)
    assert (frames["timeline"].attention - attention).abs().max() < 1e-6
    assert frames["timeline"].attention.isna().equals(attention.isna())


def test_no_cell_of_a_csv_is_a_formula(exported: dict[str, list[Path]]) -> None:
    (path,) = [path for path in exported["csv"] if path.stem == "speech"]
    assert pd.read_csv(path).text[0].startswith("'=cmd()")


def test_the_spreadsheet_opens_with_its_sheets(session: Session, exported: dict[str, list[Path]]) -> None:
    sheets = pd.read_excel(exported["ods"][0], sheet_name=None, engine="odf")
    assert next(iter(sheets)) == "session"
    assert sheets["session"].value[1] == session.metadata["title"]
    assert sheets["participants"].label.tolist() == ["Ana Lima", "P02", "P03"]
    assert sheets["participants"].attention.tolist() == pytest.approx(session.participants.attention.tolist(), abs=1e-5)
    assert sheets["chapters"].title.tolist() == ["Welcome", "Next"]
    assert set(sheets["columns"].table) == set(sheets) - {"session", "columns"}


def test_elan_files_are_read_by_other_software(session: Session, exported: dict[str, list[Path]]) -> None:
    from speach import elan

    (path,) = exported["elan"]
    opened = elan.read_eaf(str(path))
    tiers = {tier.ID: tier for tier in opened}
    assert {"moments", "chapters", "chat", "speech P01", "P01 state", "P01 level"} <= set(tiers)
    assert [a.value for a in tiers["chapters"]] == ["Welcome", "Next"]
    assert [(a.from_ts.sec, a.to_ts.sec) for a in tiers["chapters"]] == [(0, 120), (120, 240)]
    # The second begins while the first is spoken; a tier has no overlaps.
    assert [(a.from_ts.sec, a.to_ts.sec) for a in tiers["speech P01"]] == [(2, 6), (6, 9.5)]
    for tier in tiers.values():
        ends = [0.0]
        for annotation in tier:
            assert annotation.from_ts.sec >= ends[-1] - 1e-6, tier.ID
            assert annotation.to_ts.sec > annotation.from_ts.sec
            ends.append(annotation.to_ts.sec)
    states = session.timeline[session.timeline.participant == "P01"]
    visible_s = sum(a.to_ts.sec - a.from_ts.sec for a in tiers["P01 state"] if a.value == "visible")
    assert visible_s == pytest.approx((states.state == "visible").sum() * 0.5, abs=1)


def test_bids_is_valid_by_its_own_validator(session: Session, exported: dict[str, list[Path]]) -> None:
    folder = exported["bids"][0].parent
    done = subprocess.run(
        [Path(sys.executable).with_name("bids-validator-deno"), "--json", folder], capture_output=True, text=True
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0
    events = pd.read_csv(folder / "sub-group" / "beh" / "sub-group_task-meeting_events.tsv", sep="\t")
    assert list(events) == ["onset", "duration", "trial_type", "value"]
    assert events.onset.is_monotonic_increasing
    assert (events.trial_type == "moment").sum() == len(session.moments)
    assert "cmd" not in "".join(path.read_text() for path in folder.rglob("*.tsv"))
    people = pd.read_csv(folder / "participants.tsv", sep="\t")
    assert people.participant_id.tolist() == ["sub-P01", "sub-P02", "sub-P03", "sub-group"]


def test_bids_validation_can_fail(exported: dict[str, list[Path]], tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    place = folder / "sub-01" / "beh"
    place.mkdir(parents=True)
    (folder / "dataset_description.json").write_text("{}")
    (place / "sub-01_task-x_events.tsv").write_text("when\n1\n")
    validator = Path(sys.executable).with_name("bids-validator-deno")
    assert subprocess.run([validator, folder], capture_output=True).returncode != 0


def test_an_ro_crate_is_read_by_its_library(session: Session, exported: dict[str, list[Path]]) -> None:
    from rocrate.rocrate import ROCrate

    folder = exported["ro-crate"][0].parent
    crate = ROCrate(folder)
    assert crate.root_dataset["name"] == session.metadata["title"]
    files = {entity.id for entity in crate.data_entities if entity.type == "File"}
    assert files == {path.name for path in folder.iterdir()} - {"ro-crate-metadata.json"}
    table = crate.dereference("participants.parquet")
    assert "time with a visible face" in {column["description"] for column in table["variableMeasured"]}
    assert crate.dereference("#emorec")["version"] == session.metadata["emorec"]
    assert pd.read_parquet(folder / "timeline.parquet").equals(session.timeline)


@pytest.mark.parametrize("to", EXPORTERS)
def test_an_aggregate_session_and_one_with_nobody_can_be_exported(to: str, tmp_path: Path) -> None:
    for name, wanted in {"aggregate": {"participants": 12, "mode": "aggregate"}, "nobody": {"participants": 0}}.items():
        made = write_session(tmp_path / name, minutes=2, **wanted)  # type: ignore[arg-type]
        assert all(path.is_file() for path in export(made, to, tmp_path / f"{name}-out"))


def test_an_export_never_writes_over_what_is_there(session: Session, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        export(session, "csv", tmp_path)
    with pytest.raises(InputError, match="no format of emorec export"):
        export(session, "pdf", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

"""``emorec demo``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from emorec.settings import Settings

DEMO_MOMENTS: Final[dict[str, Any]] = {"least_people": 2, "smooth_s": 3.0, "least_length": 12.0, "alpha": 0.2}
"""Two faces and a minute are too little to rule chance out as sharply as in a real session; these settings, which the
report lists, let the demo show what a moment looks like."""


def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the recording and its session go.")] = Path("demo"),
) -> None:
    """Compose a sample meeting of a minute, with its transcript, chat, attendance and chapters, and analyse it.

    The faces are public-domain portraits that installed packages carry; nothing is downloaded.

    Example: emorec demo
    """
    import pandas as pd

    from emorec import app
    from emorec import demo as sample
    from emorec.amend import Additions, amend
    from emorec.cli.analyze import print_result
    from emorec.cli.native import divert_native_output
    from emorec.cli.progress import legal_notice, progress_display
    from emorec.settings import Settings
    from emorec.store import load

    divert_native_output(ctx)
    settings = _demo_settings(Settings.load())
    if settings.privacy.emotions:
        legal_notice()
    made = sample.compose(folder)
    typer.echo(f"recording: {made.recording}", err=True)
    with progress_display(made.recording.name, quiet=False) as progress:
        result = app.analyze(
            made.recording,
            settings=settings,
            store=folder / "store",
            title="Demo meeting",
            course="demo",
            progress=progress,
        )
    session = load(result.folder)
    if session.metadata["privacy"]["mode"] != "aggregate":
        additions = Additions(
            files=sample.write_beside(made.recording),
            started=sample.STARTED,
            labels=sample.names_by_truth(session.timeline, pd.read_csv(made.truth)),
            instructor=sample.INSTRUCTOR,
        )
        session = amend(session, additions, settings.sidecars)
        app.render_report(session, settings.report.language, settings.report.theme)
        app.update_index_of(session, settings.report.language, settings.report.theme)
        result = replace(result, participants=session.metadata["counts"]["participants"])
    print_result(result, as_json=False, quiet=False)


def _demo_settings(settings: Settings) -> Settings:
    """The user's settings, with names and texts, which are invented, and moments that a minute can have."""
    moments = settings.analysis.moments.model_copy(update=DEMO_MOMENTS)
    sidecars = {"keep_text": True, "keep_names": True, "beside": False}
    return settings.model_copy(
        update={
            "analysis": settings.analysis.model_copy(update={"moments": moments}),
            "sidecars": settings.sidecars.model_copy(update=sidecars),
        }
    )

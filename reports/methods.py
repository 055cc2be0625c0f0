"""How a session came about: a paragraph of what ran, versions and settings, and what the figures are not fit for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from emorec.analysis.engagement import INDEXES
from emorec.settings.analysis import AnalysisSettings
from reports.context import Context, Part
from reports.facts import Facts, analysis_of, numbers
from reports.words import Words

__all__ = ["emotion_model", "limits", "methods"]

Row = tuple[str, str]

HASH_SHOWN: Final = 12
"""Hex digits of a hash that tell files apart on a page; session.json has them all."""
IRISES: Final = "iris_landmark.tflite"
EMOTION_MODEL: Final = "emotion/"
"""What the names of a session's models begin with where they classify expressions: ``emotion/RELEASE/FILE``."""


def methods(context: Context) -> Part:
    """How this was made."""
    return Part("methods.html", {"sentences": _sentences(context), "provenance": provenance_rows(context)})


def limits(_context: Context) -> Part:
    """What the figures are not fit for, and what the law says."""
    return Part("notice.html")


def emotion_model(metadata: Mapping[str, Any]) -> str:
    """The release of the model that classified expressions; empty where none did."""
    names = [str(name).split("/")[1] for name in metadata["models"] if str(name).startswith(EMOTION_MODEL)]
    return names[0] if names else ""


def _sentences(context: Context) -> list[str]:
    """What ran, step by step."""
    metadata, facts, words = context.session.metadata, context.facts, context.words
    analysis, _ = analysis_of(metadata), context.words.gettext
    counts = metadata["counts"]
    pictures = words.ngettext(
        "emorec %(version)s looked at %(num)s picture of the recording, offline",
        "emorec %(version)s looked at %(num)s pictures of the recording, offline",
        counts.get("samples") or 0,
        version=metadata["emorec"],
    )
    rate = _rate(context)
    if rate:
        pictures = _("%(pictures)s: %(rate)s per second", pictures=pictures, rate=rate)
    sentences = [f"{pictures}."]
    if "faces" in counts:
        found = words.ngettext("In them it found %(num)s face.", "In them it found %(num)s faces.", counts["faces"])
        sentences.append(found)
    if facts.nobody:
        # Nothing else ran.
        return [*sentences, _("No picture, face or voice is stored.")]
    sentences.append(
        _(
            "Faces were followed from picture to picture; those of one person were put together by position and by how "
            "alike they look."
        )
    )
    signals = (
        _("A mesh of each face gives the turn of the head, the direction of the gaze and how far the eyes are open.")
        if IRISES in metadata["models"] or not metadata["models"]
        else _("A mesh of each face gives the turn of the head and how far the eyes are open.")
    )
    sentences.append(signals)
    sentences.append(
        _(
            "Together they are attention, from 0 (turned away) to 1 (facing the screen), measured against each "
            "person's own resting position."
        )
    )
    sentences.append(_expressions(context))
    sentences += _engagement(analysis, facts, words)
    if facts.people != 1:
        resamples = words.number(analysis.bootstrap)
        sentences.append(
            _(
                "The range of a mean over the group comes from drawing the participants again at random, %(times)s "
                "times: 95%% of such means lie in it.",
                times=resamples,
            )
        )
        sentences.append(
            _(
                "Moments were compared with %(times)s sessions in which everybody's values were shifted in time at "
                "random; one that chance makes would be in %(alpha)s of sessions.",
                times=words.number(analysis.moments.shifts),
                alpha=words.share(analysis.moments.alpha),
            )
        )
    if facts.aggregate:
        sentences.append(
            _(
                "Only windows of the group were kept, and in them only means of fixed groups of at least %(least)s "
                "people all of whom were measured; nothing of single people.",
                least=words.number(analysis.least_group),
            )
        )
    sentences.append(_("No picture, face or voice is stored."))
    return sentences


def _expressions(context: Context) -> str:
    _ = context.words.gettext
    if not context.facts.with_emotions:
        return _("Expressions were not classified.")
    model = emotion_model(context.session.metadata)
    text = _(
        "A neural network trained on FER2013 gives each face probabilities for seven displayed expressions; on that "
        "benchmark even people agree only about two times in three."
    )
    if not model:
        return text
    version = _("Its version is %(model)s.", model=model)
    return f"{text} {version}"


def _engagement(analysis: AnalysisSettings, facts: Facts, words: Words) -> list[str]:
    _, window = words.gettext, words.duration(facts.window_s)
    index = analysis.engagement
    if not facts.with_emotions:
        made = _("Engagement is attention alone, in windows of %(window)s.", window=window)
    elif index.index == "sharma2019":
        made = _(
            "Engagement is the concentration index of Sharma et al. (2019), in windows of %(window)s.", window=window
        )
    elif index.index != "emorec":
        made = _("Engagement is the index %(name)s, in windows of %(window)s.", name=index.index, window=window)
    else:
        made = _(
            "Engagement is attention (%(attention)s) and expression (%(expression)s) together, in windows of "
            "%(window)s.",
            attention=words.share(index.attention_weight),
            expression=words.share(1 - index.attention_weight),
            window=window,
        )
    if index.index not in INDEXES:
        return [made]
    levels = INDEXES[index.index].bounds(index)
    bounds = _(
        "It is low below %(low)s and high from %(high)s on; it is given only where the face was seen for %(coverage)s "
        "of the window or more.",
        low=words.score(levels[0]),
        high=words.score(levels[1]),
        coverage=words.share(analysis.least_coverage),
    )
    return [made, bounds]


def _rate(context: Context) -> str:
    """Samples per second, as the group's samples lie; without them (aggregate) as they were counted."""
    t_s = numbers(context.session.group, "t")
    if len(t_s) > 1:
        return _two_digits(1 / float(np.median(np.diff(t_s))), context.words)
    samples = context.session.metadata["counts"].get("samples")
    duration_s = context.facts.duration_s
    return _two_digits(samples / duration_s, context.words) if samples and duration_s else ""


def _two_digits(value: float, words: Words) -> str:
    short = f"{value:.2g}"
    return words.number(float(short), len(short.partition(".")[2]))


def provenance_rows(context: Context) -> list[Row]:
    """Where the session comes from and what made it, as (what, value)."""
    metadata, facts, words = context.session.metadata, context.facts, context.words
    recording, _ = metadata["recording"], words.gettext
    picture = [f"{recording['width_px']} × {recording['height_px']} px", str(recording["codec"])]
    if recording.get("fps"):
        picture.append(_("%(fps)s pictures per second", fps=f"{recording['fps']:g}"))
    rows = [
        (_("Recording"), str(recording["name"])),
        (_("Picture"), ", ".join(picture)),
        (_("Size"), f"{words.number(recording['size_bytes'] / 1e6, 1)} MB"),
        ("SHA-256", str(recording["sha256"])),
        (_("Session"), _("%(id)s (course %(course)s)", id=metadata["session"], course=metadata["course"])),
        ("emorec", _("%(version)s (schema %(schema)s)", version=metadata["emorec"], schema=metadata["schema"])),
        (_("Privacy"), _privacy(facts, words)),
        (_("Settings changed"), "; ".join(_flat(metadata["settings"])) or _("none, all as released")),
        *(
            (_("Model %(name)s", name=name), f"sha256 {str(value)[:HASH_SHOWN]}…")
            for name, value in sorted(metadata["models"].items())
        ),
    ]
    if metadata["stages"]:
        rows.append((_("Time by stage"), _stages(metadata["stages"], words)))
    if metadata.get("seconds") is not None:
        rows.append((_("Time in all"), _speed(facts, metadata["seconds"], words)))
    if metadata.get("peak_memory_mb") is not None:
        rows.append((_("Peak memory"), f"{words.number(metadata['peak_memory_mb'])} MB"))
    return rows


def _privacy(facts: Facts, words: Words) -> str:
    mode = words.gettext("aggregate mode") if facts.aggregate else words.gettext("participant mode")
    emotions = words.gettext("with emotions") if facts.with_emotions else words.gettext("without emotions")
    return f"{mode}, {emotions}"


def _flat(settings: Mapping[str, Any], above: str = "") -> list[str]:
    """Nested settings as area.name = value."""
    found = []
    for name, value in settings.items():
        path = f"{above}{name}"
        found += _flat(value, f"{path}.") if isinstance(value, Mapping) else [f"{path} = {value}"]
    return found


def _stages(stages: Mapping[str, Mapping[str, float]], words: Words) -> str:
    """Seconds of each stage."""
    return ", ".join(
        f"{words.stage(name)} {words.number(figures.get('wall_s', 0), 1)} s" for name, figures in stages.items()
    )


def _speed(facts: Facts, seconds: float, words: Words) -> str:
    text = words.gettext("%(s)s s", s=words.number(seconds))
    if seconds <= 0:
        return text
    times = words.number(facts.duration_s / seconds, 1)
    fast = words.gettext("%(times)s times as fast as the recording runs", times=times)
    return f"{text}, {fast}"

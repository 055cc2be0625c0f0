"""The report of a session: what it says, what it must not say, and that it stands alone."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emorec.store import Session
from emorec.types import EMOTIONS
from reports.session import headline, render
from reports.words import words_in
from tests.unit.reports.prose import prose

Build = Callable[..., Session]
ENGLISH = words_in("en")
EMOTION_WORDS = {name: ENGLISH.emotion(name) for name in EMOTIONS}


def _own(page: str) -> str:
    """The page without Plotly's script."""
    return max(re.split(r"<script>/\*\*.*?</script>", page, flags=re.DOTALL), key=len)


def test_the_same_session_gives_the_same_report(build: Build) -> None:
    session = build(participants=5, minutes=5)

    again = Session(session.id, dict(session.metadata), session._fs, session._path)

    assert render(session) == render(again)


def test_rendering_leaves_the_session_as_it_is(build: Build) -> None:
    session = build(participants=5, minutes=5)
    before = {path: path.read_bytes() for path in Path(session.folder).iterdir()}

    render(session)

    assert {path: path.read_bytes() for path in Path(session.folder).iterdir()} == before


def test_the_head_says_what_this_was(build: Build) -> None:
    text = prose(render(build(participants=8, minutes=20)))

    assert "Lecture 7: sampling 3 November 2026 · 20 min · 8 people" in text


def test_a_fall_of_attention_is_told_with_its_time(build: Build) -> None:
    text = prose(render(build(participants=25, minutes=60)))

    assert re.search(r"Attention held near 0\.7\d until minute 3[567], when it fell to about 0\.5\d\.", text)


def test_without_emotions_the_third_sentence_is_of_engagement(build: Build) -> None:
    text = prose(render(build(participants=25, minutes=20, emotions=False)))

    assert re.search(r"Engagement was high in \d+% of the time that could be judged, medium in \d+% and low", text)


def test_many_reasons_to_leave_out_are_summed_up(build: Build) -> None:
    session = build(participants=2, minutes=5, left_out=[f"seen for {i} s only" for i in range(40)])

    assert "other reasons 28" in prose(render(session))


def test_a_hostile_name_stays_a_name(build: Build) -> None:
    hostile = '<script>alert("x")</script>'
    link = "<a href='https://example.org'>me</a>"
    recording = build(participants=2, minutes=5).metadata["recording"] | {"name": f"{hostile}.mp4"}
    session = build(
        participants=2,
        minutes=5,
        labels=[hostile, link],
        metadata={"title": f"{hostile} & more", "warnings": [link], "course": hostile, "recording": recording},
    )

    page = render(session)

    assert hostile not in page
    assert link not in page
    assert page.count("<script") == 5  # the template, the locale, the data, Plotly, ours
    assert "&lt;script&gt;alert(&#34;x&#34;)" in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;.mp4" in page


def test_the_policy_allows_our_scripts_by_their_hash_and_no_network(build: Build) -> None:
    page = render(build(participants=2, minutes=5))

    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1])
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)

    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert policy.split("; ")[:2] == ["default-src 'none'", f"script-src {allowed}"]
    assert "http" not in policy
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", _own(page))


@pytest.mark.parametrize("wanted", [{"mode": "participant"}, {"mode": "aggregate"}])
def test_the_legal_notice_is_on_every_report_with_emotions(build: Build, wanted: dict[str, Any]) -> None:
    text = prose(render(build(participants=8, minutes=5, **wanted)))

    assert text.count("5(1)(f)") == 2
    assert "Displayed expressions, not feelings" in text


def test_a_report_without_emotions_is_complete_and_names_none(build: Build) -> None:
    page = render(build(participants=8, minutes=20, emotions=False))
    text = prose(page)

    assert "No expressions were analysed" in text
    for figure in ("attention", "engagement", "levels", "heat-map", "attendance", "face-sizes"):
        assert f'data-figure="{figure}"' in page
    for emotion in ("happy", "angry", *(word for word in EMOTION_WORDS.values() if word != "neutral")):
        assert not re.search(rf"\b{emotion}\b", _own(page), flags=re.IGNORECASE)


def test_an_aggregate_report_is_complete_and_names_nobody(build: Build) -> None:
    page = render(build(participants=25, minutes=20, mode="aggregate"))

    for figure in ("attention", "emotions", "synchrony", "engagement", "levels"):
        assert f'data-figure="{figure}"' in page
    assert "Attention held near" in prose(page)
    assert not re.search(r"\bP\d\d\b", _own(page))


def test_a_group_too_small_for_an_aggregate_report_is_not_described(build: Build) -> None:
    text = prose(render(build(participants=3, minutes=20, mode="aggregate")))

    assert "The group is too small" in text
    assert not re.search(r"Attention 0\.\d", text)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param({"participants": 0, "minutes": 5}, "No participant was found", id="nobody"),
        pytest.param({"participants": 6, "minutes": 5, "cameras": False}, "no face was visible at any time", id="off"),
        pytest.param({"participants": 1, "minutes": 5}, "1 person took part", id="one"),
        pytest.param({"participants": 3, "minutes": 0.2}, "3 people took part", id="12 seconds"),
    ],
)
def test_an_unusual_session_has_a_sensible_report(build: Build, wanted: dict[str, Any], said: str) -> None:
    text = prose(render(build(**wanted)))

    assert said in text
    assert not re.search(r"\bnan\b|\bNone\b", text)


def test_a_recording_that_broke_off_says_so_at_the_top(build: Build) -> None:
    recording = build(participants=2, minutes=5).metadata["recording"]
    session = build(participants=2, minutes=5, metadata={"recording": recording | {"read_until_s": 130.0}})

    assert "could be read until 2:10 only" in prose(render(session))[:400]


def test_changed_settings_and_models_are_told(build: Build) -> None:
    text = prose(render(build(participants=2, minutes=5, metadata={"settings": {"recording": {"rate_hz": 1.0}}})))

    assert "recording.rate_hz = 1.0" in text
    assert "Model emotion champion sha256 e0e0e0e0e0e0…" in text


def test_headline_figures_are_the_same_in_every_use(build: Build) -> None:
    figures = {figure.key: figure for figure in headline(build(participants=8, minutes=20))}

    assert list(figures) == ["duration", "people", "seen", "attention", "engagement", "expression"]
    assert figures["people"].text == "8"
    assert figures["attention"].value == pytest.approx(0.67, abs=0.06)


def test_headline_figures_that_are_not_known_have_no_number(build: Build) -> None:
    figures = {figure.key: figure for figure in headline(build(participants=4, minutes=5, cameras=False))}

    for key in ("attention", "engagement", "expression"):
        assert (figures[key].text, figures[key].value) == (ENGLISH.not_enough, None)


def test_a_report_of_25_people_and_an_hour_is_under_6_mb(build: Build) -> None:
    assert len(render(build(participants=25, minutes=60)).encode()) < 6_000_000


def test_a_report_with_nothing_to_draw_goes_without_plotly(build: Build) -> None:
    page = render(build(participants=0, minutes=5))

    assert len(page.encode()) < 100_000
    assert "Plotly.js" not in page
    assert "plotly.js v" not in page


def test_every_emotion_has_a_word_a_color_and_a_place_in_the_stack() -> None:
    from reports.charts import STACK_ORDER
    from reports.theme import RELEASED

    assert set(EMOTION_WORDS) == set(STACK_ORDER) == set(RELEASED.palette["emotions"]) == set(EMOTIONS)

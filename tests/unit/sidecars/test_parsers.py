"""Every platform's files are read by their content, and every line of them is accounted for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import InputError
from emorec.sidecars import Chapter, Message, Sidecar, Stay, Utterance, parse, read
from emorec.sidecars.rows import Kind
from emorec.sidecars.text import decode, is_question, is_reaction, name_key, names_alike, word_count
from emorec.sidecars.times import clock_seconds, length_seconds, position_seconds, unrolled

FIXTURES = Path(__file__).parents[2] / "fixtures" / "sidecars"

# File: kind, format, rows, lines that are not blank, lines that are bad.
EXPECTED: dict[str, tuple[Kind, str, int, int, int]] = {
    "chapters.vtt": ("chapters", "webvtt", 3, 7, 0),
    "meet-attendance.csv": ("attendance", "report", 2, 3, 0),
    "meet-captions.sbv": ("transcript", "sbv", 2, 5, 0),
    "meet-chat.sbv": ("chat", "meet, sbv", 3, 7, 0),
    "meet-document.txt": ("transcript", "meet document", 4, 12, 0),
    "slides.txt": ("chapters", "time title", 4, 6, 1),
    "teams-chat-german.txt": ("chat", "teams", 2, 2, 0),
    "teams-chat.txt": ("chat", "teams", 3, 6, 1),
    "teams-list-german.csv": ("attendance", "teams list", 2, 4, 0),
    "teams-list.csv": ("attendance", "teams list", 4, 7, 0),
    "teams-report-french.csv": ("attendance", "report", 1, 10, 0),
    "teams-report-portuguese.csv": ("attendance", "report", 1, 2, 0),
    "teams-report.csv": ("attendance", "report", 3, 16, 0),
    "teams-voices.vtt": ("transcript", "webvtt, voices", 4, 14, 0),
    "whisper-cpp.json": ("transcript", "whisper json", 1, 3, 0),
    "whisper.json": ("transcript", "whisper json", 2, 4, 0),
    "whisper.srt": ("transcript", "srt", 2, 6, 0),
    "whisper.tsv": ("transcript", "whisper tsv", 2, 4, 1),
    "whisper.vtt": ("transcript", "webvtt", 3, 7, 0),
    "whisperx-speakers.srt": ("transcript", "srt, names", 2, 6, 0),
    "youtube-captions.srt": ("transcript", "srt", 2, 6, 0),
    "youtube-rolling.vtt": ("transcript", "webvtt, rolling", 3, 15, 0),
    "zoom-chat-cloud.txt": ("chat", "zoom cloud", 4, 4, 0),
    "zoom-chat-german.txt": ("chat", "zoom", 2, 4, 0),
    "zoom-chat-local.txt": ("chat", "zoom", 3, 9, 1),
    "zoom-chat-older.txt": ("chat", "zoom", 3, 3, 0),
    "zoom-participants-spanish.csv": ("attendance", "report", 2, 3, 0),
    "zoom-participants-unique.csv": ("attendance", "report", 2, 3, 0),
    "zoom-participants.csv": ("attendance", "report", 4, 9, 2),
    "zoom-transcript-broken.vtt": ("transcript", "webvtt, names", 3, 19, 6),
    "zoom-transcript.vtt": ("transcript", "webvtt, names", 5, 16, 0),
}
SPOKEN = [
    name
    for name, (kind, *_) in EXPECTED.items()
    # Words of JSON and TSV stand between marks of the format.
    if kind in {"transcript", "chat"} and not name.endswith((".json", ".tsv"))
]


def parsed(name: str) -> Sidecar:
    found = parse((FIXTURES / name).read_bytes(), name)
    assert found is not None
    return found


def said(sidecar: Sidecar) -> str:
    """All words that went into rows, one after the other."""
    parts = []
    for row in sidecar.rows:
        match row:
            case Utterance() | Message():
                parts.append(row.text)
            case Chapter():
                parts.append(row.title)
            case Stay():
                parts.append(row.name)
    return " ".join(parts)


def accounted(sidecar: Sidecar) -> int:
    return sidecar.used + sidecar.structure + sidecar.repeated + len(sidecar.bad)


def test_there_is_an_expectation_for_every_fixture() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in FIXTURES.iterdir())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_is_known_by_its_content_and_no_line_is_lost(name: str) -> None:
    kind, format_name, rows, lines, bad = EXPECTED[name]
    found = parse((FIXTURES / name).read_bytes())
    assert found is not None
    assert (found.kind, found.format, len(found.rows), found.lines, len(found.bad)) == (
        kind, format_name, rows, lines, bad,
    )  # fmt: skip
    text, _ = decode((FIXTURES / name).read_bytes())
    assert found.lines == sum(bool(line.strip()) for line in text)
    assert accounted(found) == found.lines


@pytest.mark.parametrize("name", SPOKEN)
def test_every_word_of_a_transcript_or_chat_is_in_a_row_or_on_a_bad_line(name: str) -> None:
    sidecar = parsed(name)
    lines, _ = decode((FIXTURES / name).read_bytes())
    bad = {line.number for line in sidecar.bad}
    every = set(re.findall(r"\w+", said(sidecar)))
    names = {w for row in sidecar.rows if isinstance(row, Utterance) for w in re.findall(r"\w+", row.speaker)}
    names |= {w for row in sidecar.rows if isinstance(row, Message) for w in re.findall(r"\w+", row.author)}
    for number, line in enumerate(lines, start=1):
        if number in bad or "-->" in line or re.fullmatch(r"[\d:.,\s]*|NOTE.*|WEBVTT|Kind:.*|Language:.*|6f2c.*", line):
            continue
        if "Replying to" in line or (name == "meet-document.txt" and (number < 8 or line.startswith("Transcription"))):
            continue
        spoken = re.sub(
            r"&#?\w+;|<[^>]*>|^\S+\s+(From|Von)\s+.*?:(?=\s|$)|^\[[\d/., :AMP\u202f]+\]|^\d+:\d+:\d+", " ", line
        )
        missing = set(re.findall(r"\w+", spoken)) - every - names
        assert not missing, (number, line)


def test_speakers_are_known_where_the_platform_says_them() -> None:
    def speakers(name: str) -> list[str]:
        return [row.speaker for row in parsed(name).rows if isinstance(row, Utterance)]

    assert speakers("zoom-transcript.vtt") == [
        "Ana Lima", "Tom O'Neil", "Ana Lima", "Mei-Ling Wu (she/her)", "Ana Lima",
    ]  # fmt: skip
    assert speakers("teams-voices.vtt") == ["Lima, Ana", "Tom O'Neil", "Mei-Ling Wu", "Lima, Ana"]
    assert speakers("meet-document.txt") == ["Ana Lima", "Tom O'Neil", "Ana Lima", "Tom O'Neil"]
    assert speakers("whisperx-speakers.srt") == ["SPEAKER_00", "SPEAKER_01"]
    assert set(speakers("whisper.vtt")) == {""}


def test_a_rolling_caption_is_said_once() -> None:
    assert said(parsed("youtube-rolling.vtt")) == "hello and welcome to the lecture [Music]"
    assert parsed("youtube-rolling.vtt").repeated == 4


def test_several_messages_and_answers_keep_their_lines() -> None:
    rows = parsed("zoom-chat-local.txt").rows
    assert [row.text for row in rows if isinstance(row, Message)] == [
        "The slides are at https://example.org/",
        "Is there a version without animations?\nIt prints badly.",
        "Thanks!",
    ]
    assert [row.author for row in rows if isinstance(row, Message)] == ["Ana Lima", "Tom O'Neil", "Mei-Ling Wu"]


def test_a_chat_that_passes_midnight_goes_on() -> None:
    times = [row.t_s for row in parsed("zoom-chat-german.txt").rows if isinstance(row, Message)]
    assert times[1] - times[0] == 30


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("zoom-chat-german.txt", "Jörg Weiß"),
        ("teams-chat-german.txt", "Jörg Weiß"),
        ("zoom-participants-spanish.csv", "José Núñez"),
        ("teams-report-french.csv", "Hélène Roux"),
        ("teams-report-portuguese.csv", "João Alves"),
        ("teams-list-german.csv", "Weiß, Jörg"),
    ],
)
def test_names_survive_every_encoding(name: str, who: str) -> None:
    names = [row.author if isinstance(row, Message) else getattr(row, "name", "") for row in parsed(name).rows]
    assert who in names


def test_comings_and_goings_become_stays() -> None:
    stays = {
        (row.name, None if row.t0_s is None else row.t0_s % 86400, None if row.t1_s is None else row.t1_s % 86400)
        for row in parsed("teams-list.csv").rows
        if isinstance(row, Stay)
    }
    ten = 36000
    assert stays == {
        ("Lima, Ana", ten + 3, None),
        ("Tom O'Neil", ten + 3, ten + 1800),
        ("Tom O'Neil", ten + 2100, None),
        ("Mei-Ling Wu", ten + 240, ten + 5400),
    }


def test_a_report_of_three_parts_is_read_where_it_says_most() -> None:
    report = parsed("teams-report.csv")
    rows = [row for row in report.rows if isinstance(row, Stay)]
    assert [row.name for row in rows] == ["Ana Lima", "Tom O'Neil", "Tom O'Neil"]
    assert [row.role for row in rows] == ["Organizer", "Presenter", "Presenter"]
    assert report.started_s == rows[0].t0_s
    assert report.repeated == 2


def test_on_whole_files_the_cues_are_those_of_webvtt_and_srt_libraries() -> None:
    for name in ("zoom-transcript.vtt", "whisper.vtt", "chapters.vtt"):
        theirs = webvtt.read(str(FIXTURES / name))
        ours = parse((FIXTURES / name).read_bytes(), kind="chapters")
        assert ours is not None
        assert [(row.t0_s, row.t1_s, row.title) for row in ours.rows if isinstance(row, Chapter)] == [
            (pytest.approx(cue.start_in_seconds, abs=1), pytest.approx(cue.end_in_seconds, abs=1), cue.text)
            for cue in theirs
        ]
    for name in ("whisper.srt", "youtube-captions.srt"):
        text = (FIXTURES / name).read_text()
        assert [(row.t0_s, row.t1_s, row.text) for row in parsed(name).rows if isinstance(row, Utterance)] == [
            (cue.start.total_seconds(), cue.end.total_seconds(), cue.content) for cue in srt.parse(text)
        ]


def test_a_bad_line_is_named_by_number_and_reason() -> None:
    bad = {line.number: line.reason for line in parsed("zoom-transcript-broken.vtt").bad}
    assert bad[8] == "times that are none"
    assert bad[12] == "a cue that ends before it begins"
    assert bad[18] == "text outside a cue"


@pytest.mark.parametrize(
    ("content", "kind", "said_of_it"),
    [
        (b"", None, "is no transcript, chat, attendance or chapters file"),
        (b"just some prose.\nMore of it.\n", None, "is no transcript"),
        (b"WEBVTT\n\n00:00:0x --> 1\nhello\n\n00:00:01.000 --> 00:00:00.000\nhello\n", "transcript", "line 3 is"),
        (b"0:00 Welcome\n", "attendance", "is no attendance file"),
    ],
)
def test_a_file_without_a_usable_line_is_refused_in_one_line(
    content: bytes, kind: Kind | None, said_of_it: str, tmp_path: Path
) -> None:
    path = tmp_path / "beside.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said_of_it)):
        read(path, kind)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "missing.vtt")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1:02:03.5", 3723.5), ("02:03,500", 123.5), ("0:07", 7), ("100:00:00", 360000), ("0:60", None), ("x", None)],
)
def test_positions(text: str, seconds: float | None) -> None:
    assert position_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "day_first", "day", "seconds"),
    [
        ("1/5/2024, 10:00:03\u202fPM", False, (2024, 1, 5), 79203),
        ("05.01.2024 10:00", True, (2024, 1, 5), 36000),
        ("2024-01-05T10:00:00Z", False, (2024, 1, 5), 36000),
        ("12:05 AM", False, None, 300),
        ("午後 3:04", False, None, 54240),
        ("25/01/24 9:00", False, (2024, 1, 25), 32400),
    ],
)
def test_times_of_day(text: str, day_first: bool, day: tuple[int, int, int] | None, seconds: float) -> None:
    moment = clock_seconds(text, day_first=day_first)
    assert moment is not None
    assert (moment[0] and (moment[0].year, moment[0].month, moment[0].day), moment[1]) == (day, seconds)


@pytest.mark.parametrize("text", ["yesterday", "25:00", "13:00 PM", "31/31/2024 10:00", ""])
def test_what_is_no_time_of_day_is_none(text: str) -> None:
    assert clock_seconds(text, day_first=False) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h 2m 3s", 3723), ("1 Std. 2 Min. 3 Sek.", 3723), ("1 h 30 min 8 s", 5408), ("90", 5400), ("01:30:00", 5400),
     ("44m", 2640), ("none", None)],
)  # fmt: skip
def test_lengths(text: str, seconds: float | None) -> None:
    assert length_seconds(text) == seconds


def test_names_are_compared_without_order_accents_and_asides() -> None:
    assert name_key("Núñez, José (Guest)") == name_key("Jose NUNEZ")
    assert names_alike("Grace Brewster Hopper", "Hopper, Grace")
    assert not names_alike("Ana", "Ana Lima")
    assert not names_alike("", "")


def test_questions_reactions_and_words() -> None:
    assert is_question("Is it?")
    assert is_question("本当ですか？")
    assert not is_question("See https://example.org/?page=7")
    assert is_reaction("👍🏽 ❤️")
    assert is_reaction('Reacted to "The slides" with 👍')
    assert not is_reaction("I reacted to it")
    assert not is_reaction("12")
    assert word_count("It's a two-word test") == 4
    assert word_count("标本") == 2


@given(st.lists(st.floats(0, 86399), max_size=20))
def test_days_are_only_added(times: list[float]) -> None:
    for before, after in zip(times, unrolled(times), strict=True):
        assert (after - before) / 86400 == pytest.approx(round((after - before) / 86400))
        assert after >= before


LINES = st.sampled_from(
    [
        line
        for name in ("zoom-transcript-broken.vtt", "youtube-rolling.vtt", "teams-voices.vtt", "zoom-chat-local.txt",
                     "zoom-chat-cloud.txt", "teams-chat.txt", "zoom-participants.csv", "teams-list.csv",
                     "teams-report.csv", "slides.txt", "meet-document.txt", "meet-chat.sbv", "whisper.tsv",
                     "whisper.json")
        for line in decode((FIXTURES / name).read_bytes())[0]
    ]
) | st.text(max_size=40)  # fmt: skip
KINDS = st.sampled_from([None, "transcript", "chat", "attendance", "chapters"])


@given(st.lists(LINES, max_size=40), KINDS)
def test_whatever_lines_come_together_none_is_lost_and_nothing_fails(lines: list[str], kind: Kind | None) -> None:
    sidecar = parse("\n".join(lines).encode(errors="replace"), kind=kind)
    if sidecar is None:
        return
    assert accounted(sidecar) == sidecar.lines
    check_rows(sidecar)


@given(st.binary(max_size=300), KINDS)
def test_whatever_bytes_come_nothing_fails(data: bytes, kind: Kind | None) -> None:
    sidecar = parse(data, kind=kind)
    assert sidecar is None or accounted(sidecar) == sidecar.lines


@given(st.sampled_from(sorted(EXPECTED)), st.data())
def test_a_file_cut_or_spoilt_anywhere_is_still_accounted_for(name: str, data: st.DataObject) -> None:
    content = bytearray((FIXTURES / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    spoilt = data.draw(
        st.sampled_from([content[:at], content[:at] + content[at + 1 :], content[:at] + b"\0" + content[at:]])
    )
    sidecar = parse(bytes(spoilt), name, EXPECTED[name][0])
    if sidecar is not None:
        assert accounted(sidecar) == sidecar.lines
        check_rows(sidecar)


def check_rows(sidecar: Sidecar) -> None:
    checks: dict[type, Callable[..., bool]] = {
        Utterance: lambda row: 0 <= row.t0_s <= row.t1_s and bool(row.text),
        Message: lambda row: bool(row.text) and bool(row.author),
        Stay: lambda row: bool(row.name) and (row.t0_s is None or row.t1_s is None or row.t0_s <= row.t1_s),
        Chapter: lambda row: row.t0_s >= 0 and bool(row.title),
    }
    for row in sidecar.rows:
        assert checks[type(row)](row), row

"""What a report says, in its reader's language: translated texts, and numbers, times and dates as a person reads them.

What is not known is said in words, never as 0.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from reports import i18n

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["LEVELS", "Words", "known", "words_in"]

LEVELS: Final = ("low", "medium", "high")
_MINUTES_UP_TO_S = 2 * 3600
"""Longer recordings are spoken of in hours and minutes, as players show them."""


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and not math.isnan(value)


@cache
def words_in(language: str) -> Words:
    """The words of a language of :data:`reports.i18n.LANGUAGES`."""
    return Words(language)


class Words:
    """How a report speaks in one language.

    Texts are written in English where they are used, and translated by :meth:`gettext` and :meth:`ngettext`; their
    values stand in them as ``%(name)s``.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale: Locale = i18n.locale(language)
        self.catalog = i18n.catalog(language)

    def gettext(self, message: str, **values: Any) -> str:
        """A text with its values; a per cent sign is written ``%%``."""
        return self.catalog.gettext(message) % values

    def ngettext(self, one: str, many: str, num: float, **values: Any) -> str:
        """A text for one and for more, with ``%(num)s`` in it."""
        count = round(num)
        return self.catalog.ngettext(one, many, count) % {"num": self.number(count), **values}

    def pgettext(self, context: str, message: str, **values: Any) -> str:
        """A text that needs a context to be translated."""
        return self.catalog.pgettext(context, message) % values

    @property
    def not_enough(self) -> str:
        """What stands for a number that is not known."""
        return self.gettext("not enough data")

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits after the point."""
        from babel.numbers import format_decimal

        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, format=pattern, locale=self.locale))

    def score(self, value: float | None) -> str:
        """A value of 0–1 with the two digits that the measurement carries at most."""
        return self.number(value, 2) if value is not None and known(value) else self.not_enough

    def share(self, value: float | None) -> str:
        """A share of 0–1 in whole per cent; ``<1%`` for what is small but there."""
        from babel.numbers import format_percent

        if value is None or not known(value):
            return self.not_enough
        small = 0 < value < 0.005
        text = str(format_percent(0.01 if small else value, format="#,##0%", locale=self.locale))
        return f"<{text}" if small else text

    def clock(self, t_s: float | None) -> str:
        """A time in the recording as a player shows it: 4:05 or 1:04:05."""
        if t_s is None or not known(t_s):
            return "–"
        hours, rest = divmod(round(t_s), 3600)
        minutes, seconds = divmod(rest, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

    def when(self, t_s: float, duration_s: float) -> str:
        """A time in the recording in running text: minute 34, or 1:34:00 in a long recording, 2:05 in a short one."""
        if 600 <= duration_s <= _MINUTES_UP_TO_S:
            return self.gettext("minute %(minute)s", minute=round(t_s / 60))
        return self.clock(t_s)

    def tick(self, t_s: float, duration_s: float) -> str:
        """A time on an axis, in the measure in which sentences tell it: 10 min, 1:30:00, 2:05."""
        if 600 <= duration_s <= _MINUTES_UP_TO_S:
            return self.gettext("%(min)s min", min=round(t_s / 60))
        if duration_s < 600:
            return self.clock(t_s)
        hours, rest = divmod(round(t_s / 60), 60)
        return self.gettext("%(h)s:%(min)s h", h=hours, min=f"{rest:02d}")

    def duration(self, seconds: float | None) -> str:
        """A length of time: 45 s, 5 min, 1 h 30 min."""
        if seconds is None or not known(seconds):
            return self.not_enough
        if seconds < 60:
            return self.gettext("%(s)s s", s=f"{seconds:.0f}")
        if seconds < 600 and round(seconds) % 60:
            return self.gettext("%(min)s min %(s)s s", min=int(seconds // 60), s=round(seconds) % 60)
        hours, minutes = divmod(round(seconds / 60), 60)
        if not hours:
            return self.gettext("%(min)s min", min=minutes)
        if not minutes:
            return self.gettext("%(h)s h", h=hours)
        return self.gettext("%(h)s h %(min)s min", h=hours, min=minutes)

    def people(self, count: float) -> str:
        """1 person, 25 people."""
        return self.ngettext("%(num)s person", "%(num)s people", count)

    def joined(self, parts: Sequence[str]) -> str:
        """a, b and c."""
        from babel.lists import format_list

        return str(format_list(list(parts), locale=self.locale))

    def date(self, iso: str | None, width: Literal["long", "medium"] = "long") -> str:
        """3 November 2026 (medium: 3 Nov 2026), of an ISO date; whatever else is given stays as it is."""
        from babel.dates import format_date

        try:
            return str(format_date(datetime.date.fromisoformat(iso or ""), format=width, locale=self.locale))
        except ValueError:
            return iso or ""

    def emotion(self, name: str) -> str:
        """What a displayed emotion is called in running text."""
        return {
            "angry": self.gettext("anger"),
            "disgust": self.gettext("disgust"),
            "fear": self.gettext("fear"),
            "happy": self.gettext("happiness"),
            "neutral": self.gettext("neutral"),
            "sad": self.gettext("sadness"),
            "surprise": self.gettext("surprise"),
        }[name]

    def displayed(self, name: str) -> str:
        """The same of expressions: "mostly neutral"."""
        return {
            "angry": self.pgettext("expressions", "angry"),
            "disgust": self.pgettext("expressions", "disgusted"),
            "fear": self.pgettext("expressions", "fearful"),
            "happy": self.pgettext("expressions", "happy"),
            "neutral": self.pgettext("expressions", "neutral"),
            "sad": self.pgettext("expressions", "sad"),
            "surprise": self.pgettext("expressions", "surprised"),
        }[name]

    def level(self, name: str) -> str:
        """A level of engagement."""
        return {
            "low": self.pgettext("engagement", "low"),
            "medium": self.pgettext("engagement", "medium"),
            "high": self.pgettext("engagement", "high"),
        }[name]

    def state(self, name: str) -> str:
        """A participant's state."""
        return {
            "visible": self.gettext("face visible"),
            "camera_off": self.gettext("camera off or no face"),
            "absent": self.gettext("not in the picture"),
        }[name]

    def moment(self, kind: str) -> str:
        """What a moment is called, at the start of a line."""
        names = {
            "attention_peak": self.gettext("Attention peak"),
            "attention_drop": self.gettext("Attention drop"),
            "engagement_peak": self.gettext("Engagement peak"),
            "engagement_drop": self.gettext("Engagement drop"),
            "shared_laughter": self.gettext("Shared laughter"),
            "long_absence": self.gettext("Long absence"),
        }
        return names.get(kind) or kind.replace("_", " ").capitalize()

    def stage(self, name: str) -> str:
        """A stage of the analysis."""
        names = {
            "decode": self.pgettext("stage", "decoding"),
            "change": self.pgettext("stage", "changes"),
            "faces": self.pgettext("stage", "faces"),
            "landmarks": self.pgettext("stage", "landmarks"),
            "emotions": self.pgettext("stage", "expressions"),
            "identity": self.pgettext("stage", "likeness"),
            "rows": self.pgettext("stage", "tables"),
            "observe": self.pgettext("stage", "all pictures"),
            "resolve": self.pgettext("stage", "who is who"),
        }
        return names.get(name, name)

    def plotly_locale(self) -> dict[str, Any]:
        """Plotly's locale of this language: how it writes numbers and dates."""
        from babel.dates import get_day_names, get_month_names

        symbols = self.locale.number_symbols["latn"]

        def names(of: Any, width: str, keys: Sequence[int]) -> list[str]:
            found = of(width, "stand-alone", self.locale)
            return [str(found[key]) for key in keys]

        sunday_first = (6, 0, 1, 2, 3, 4, 5)
        return {
            "moduleType": "locale",
            # With its country: what is not said here comes from Plotly's own, whose name has none.
            "name": str(self.locale).replace("_", "-"),
            "dictionary": {},
            "format": {
                "days": names(get_day_names, "wide", sunday_first),
                "shortDays": names(get_day_names, "abbreviated", sunday_first),
                "months": names(get_month_names, "wide", range(1, 13)),
                "shortMonths": names(get_month_names, "abbreviated", range(1, 13)),
                "periods": ["AM", "PM"],
                "dateTime": "%d/%m/%Y %H:%M:%S",
                "date": "%d/%m/%Y",
                "time": "%H:%M:%S",
                "decimal": str(symbols["decimal"]),
                "thousands": str(symbols["group"]),
            },
        }

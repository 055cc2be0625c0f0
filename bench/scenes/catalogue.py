"""The recordings that faces are tried on: calls of several apps, a webcam, lecture rooms, with what is apt to go wrong.

Each is made of people drawn from a pool by a seed, so that one set can be tuned on and another one held out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from bench.scenes.scenario import Person, Scenario, View

__all__ = ["HELD_OUT", "catalogue"]

HELD_OUT = ("17", "21", "24", "28", "32", "36", "39", "42", "45", "48", "51", "58", "62", "66", "69", "77")
"""Numbers of the clips of people who appear in held-out recordings only (but for those of 49, which need everybody)."""

# fmt: off
NAMES = [
    "Ana Ruiz", "Luis Ortega", "Mariana Solís", "Jorge Peña", "Sofía Campos", "Diego Luna", "Valeria Núñez",
    "Carlos Vega", "Elena Duarte", "Pablo Ríos", "Lucía Mora", "Andrés Gil", "Camila Reyes", "Hugo Salas",
    "Regina Paz", "Tomás León", "Julia Serrano", "Iván Cruz", "Paula Rosas", "Mateo Silva", "Daniela Ibarra",
    "Óscar Nava", "Renata Cano", "Emilio Bravo", "Natalia Fuentes", "Priya Nair", "John Carter", "Mei Lin",
    "Amara Okafor", "Lars Berg", "Fatima Zahra", "Kenji Ito", "Olga Petrova", "Sam Walsh", "Nina Kraus", "Ravi Shah",
    "Chloe Martin", "Ahmed Ali", "Laura Bianchi", "Erik Holm", "Grace Kim", "Peter Novak", "Zoe Adams",
    "Malik Brown", "Ines Costa", "Victor Hugo", "Yuki Mori", "Tara Singh", "Ben Fischer", "Alma Vidal",
]
# fmt: on
TEXTURES = ("brick", "gravel", "coffee", "grass", "coins", "rocket", "chelsea", "retina")
PORTRAITS = ("astronaut", "hopper", "camera")


def catalogue(pool: Sequence[str], seed: int) -> dict[str, Callable[[], Scenario]]:
    """Scenarios by name, each made when it is called: people from the pool of clips, all chance from the seed."""

    def people(name: str, n: int, **more: Any) -> tuple[list[Person], random.Random]:
        rng = random.Random(f"{seed}-{name}")
        clips = rng.sample(list(pool), min(n, len(pool)))
        names = rng.sample(NAMES, n)
        made = [
            Person(clip, who, round(rng.uniform(0, 5), 2), **{key: value(rng, k) for key, value in more.items()})
            for k, (clip, who) in enumerate(zip(clips, names, strict=False))
        ]
        return made, rng

    def call(name: str, n: int, kinds: str, style: str, *, stir: bool = True, **more: Any) -> Scenario:
        """A call that goes through kinds of views, with joins, leaves, cameras off and a new order for each."""
        seconds = more.pop("seconds", 36.0)
        content, shown, hold = more.pop("content", "slides"), more.pop("shown", 0), more.pop("hold", False)
        own = more.pop("person", {})
        spans = {"on": lambda r, k: _on(r, k, seconds), "camera": lambda r, k: _camera(r, k, seconds)} if stir else {}
        made, rng = people(name, n, **{**spans, **own})
        order, views = list(range(len(made))), []
        parts = kinds.split()
        for k, kind in enumerate(parts):
            if not hold:
                rng.shuffle(order)
            views.append(View(round(k * seconds / len(parts), 2), kind, tuple(order), rng.choice(order), content))
        used = {person.clip for person in made}
        others = [clip for clip in pool if clip not in used]
        return Scenario(f"{name}-s{seed}", made, views, style, seconds=seconds, shown=rng.sample(others, shown), **more)

    big: dict[str, Any] = {"width_px": 1920, "height_px": 1080}
    texture = {"behind": lambda r, _k: r.choice(TEXTURES), "zoom": lambda r, _k: r.choice((0.45, 0.6, 1.0))}
    wall = {"on_wall": lambda r, _k: r.choice(PORTRAITS), "zoom": lambda r, _k: r.choice((0.6, 0.8))}
    fits = {"fit": lambda r, _k: r.choice(("fill", "pillar", "letter"))}
    small = {"zoom": lambda r, _k: r.choice((0.3, 0.4, 0.55))}
    every: dict[str, Callable[[], Scenario]] = {
        "meet": lambda: call("meet", 12, "gallery side gallery share gallery", "meet"),
        "teams": lambda: call("teams", 9, "gallery share speaker gallery", "teams", person=fits),
        "light": lambda: call("light", 8, "gallery speaker share gallery", "light", person=fits),
        "black": lambda: call("black", 16, "gallery share gallery", "black", crf=33, **big),
        "tight": lambda: call("tight", 9, "gallery side gallery", "tight"),
        "mixed": lambda: call("mixed", 7, "mixed gallery mixed", "zoom"),
        "small": lambda: call("small", 20, "gallery share gallery", "zoom", person=small),
        "tiny": lambda: call("tiny", 16, "gallery speaker", "black", width_px=640, height_px=360, crf=30),
        "vp9": lambda: call("vp9", 9, "gallery share gallery", "meet", codec="libvpx-vp9", crf=40),
        "behind": lambda: call("behind", 9, "gallery speaker gallery", "zoom", person=texture),
        "wall": lambda: call("wall", 6, "gallery speaker gallery", "meet", person=wall),
        "film": lambda: call("film", 6, "gallery share gallery", "zoom", content="film", shown=1),
        "inset": lambda: call("inset", 6, "share gallery share", "meet", content="inset", shown=1),
        "photo": lambda: call("photo", 6, "share gallery share", "teams", content="photo:astronaut"),
        "poster": lambda: call("poster", 3, "full gallery", "zoom", content="picture:hopper", stir=False),
        "page": lambda: call("page", 3, "full gallery", "zoom", content="photo:hopper", stir=False),
        "speakers": lambda: call("speakers", 8, " ".join(["speaker"] * 10), "zoom", hold=True),
        "sides": lambda: call("sides", 5, " ".join(["side"] * 8), "teams", hold=True),
        "one": lambda: call("one", 1, "webcam", "zoom", person=wall, stir=False, seconds=20.0),
        "first": lambda: call("first", 3, "webcam webcam webcam", "zoom", stir=False),
        "pair": lambda: call("pair", 2, "gallery speaker side gallery", "light"),
        "rejoin": lambda: call("rejoin", 6, "gallery speaker gallery", "zoom", seconds=260.0, fps=4, person=_AWAY),
        "never": lambda: call("never", 8, "gallery speaker gallery", "zoom", person=_NEVER),
        "room": lambda: call("room", 12, "room", "zoom", stir=False, **big),
        "lean": lambda: call("lean", 9, "room", "zoom", stir=False, content="lean"),
        "walk": lambda: call("walk", 8, "room", "zoom", stir=False, content="walk"),
        "seats": lambda: call("seats", 9, "room room", "zoom", stir=False),
        "all": lambda: call("all", 49, "gallery share gallery", "zoom", **big),
    }
    return every


def _on(rng: random.Random, k: int, seconds: float) -> tuple[tuple[float, float], ...]:
    """Joins late, leaves early, or goes and comes back; the first two stay."""
    chance = rng.random()
    if k < 2 or chance > 0.55:
        return ((0.0, seconds),)
    if chance < 0.2:
        return ((round(rng.uniform(0.05, 0.4) * seconds, 1), seconds),)
    if chance < 0.4:
        return ((0.0, round(rng.uniform(0.6, 0.95) * seconds, 1)),)
    gone = round(rng.uniform(0.2, 0.4) * seconds, 1)
    return (0.0, gone), (round(gone + rng.uniform(0.2, 0.4) * seconds, 1), seconds)


def _camera(rng: random.Random, _k: int, seconds: float) -> tuple[tuple[float, float], ...]:
    if rng.random() > 0.25:
        return ((0.0, seconds),)
    off = round(rng.uniform(0.1, 0.6) * seconds, 1)
    return (0.0, off), (round(off + rng.uniform(0.1, 0.3) * seconds, 1), seconds)


_AWAY = {
    "on": lambda _r, k: ((0.0, 40.0), (215.0, 260.0)) if k % 2 else ((0.0, 260.0),),
    "camera": lambda *_: ((0.0, 260.0),),
}
_NEVER = {"camera": lambda _r, k: () if k in {2, 5, 6} else ((0.0, 1e9),)}

"""The HTML of the report: one card per video, from what report.py has gathered.

Every text from outside goes through ``escape``; numbers are formatted here. Nothing here opens a
file of the user.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

from vidkit.export.curve import clock, max_pool
from vidkit.export.predictions import Segment
from vidkit.export.report_card import (
    Card,
    count_of,
    escape,
    length,
    name_of,
    noun_of,
    plural,
    reasons,
    segment_at,
    when,
)
from vidkit.export.report_timeline import timeline


def build_page(cards: Sequence[Card], *, title: str) -> str:
    """Return the whole page. The same cards give the same text."""
    assets = files("vidkit.export")
    template = Template(assets.joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        style=assets.joinpath("report.css").read_text(encoding="utf-8"),
        script=assets.joinpath("report.js").read_text(encoding="utf-8"),
        summary=_summary(cards),
        contents=_contents(cards),
        videos="\n".join(_card(index, card) for index, card in enumerate(cards)) or _nothing(),
        data=_script_json([_data(card) for card in cards]),
    )


def _summary(cards: Sequence[Card]) -> str:
    videos = {card.original: card.duration_seconds for card in cards}
    found = [segment for card in cards for segment in card.segments]
    noun = noun_of([card.task for card in cards])
    queries = {card.query for card in cards if card.query}
    rows = [
        ("Video" if len(videos) == 1 else "Videos", str(len(videos))),
        *([("Query" if len(queries) == 1 else "Queries", str(len(queries)))] if queries else []),
        ("Total duration", length(sum(videos.values()))),
        (plural(noun, len(found)).capitalize(), str(len(found))),
        (f"Time in {noun}s", length(sum(segment.duration_seconds for segment in found))),
    ]
    return "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)


def _contents(cards: Sequence[Card]) -> str:
    if len(cards) < 2:
        return ""
    with_file = len({card.original for card in cards}) > 1
    rows = "\n".join(_entry(index, card, with_file) for index, card in enumerate(cards))
    what = "Queries" if any(card.query for card in cards) else "Videos"
    return f'<nav class="contents" aria-label="{what} in this report"><ol>\n{rows}\n</ol></nav>'


def _entry(index: int, card: Card, with_file: bool) -> str:
    if not card.query:
        kind, name, facts = "", card.title, count_of(card)
    else:
        kind, name = ' class="query"', card.query
        facts = f"{escape(card.title)} · {count_of(card)}" if with_file else count_of(card)
    return (
        f'<li><a href="#video-{index}"{kind}><span class="name">{escape(name)}</span> '
        f"<small>{facts}</small></a></li>"
    )


def _nothing() -> str:
    return '<p class="empty">This report holds no video.</p>'


def _card(index: int, card: Card) -> str:
    heading, facts = escape(card.title), [length(card.duration_seconds), escape(card.task.replace("_", " "))]
    if card.query:
        heading, facts = f"<q>{escape(card.query)}</q>", [heading, *facts]
    meta = " · ".join([*facts, count_of(card)])
    return f"""\
<article class="video" id="video-{index}" data-index="{index}" aria-labelledby="title-{index}">
<header>
<h2 id="title-{index}">{heading}</h2>
<p class="meta">{meta}</p>
</header>
<div class="screen">
{_player(index, card)}
</div>
{timeline(card)}
{_segment_section(card)}
{_captions(card)}
</article>"""


def _player(index: int, card: Card) -> str:
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in card.notes)
    link = f'<a href="{escape(card.original)}">{escape(card.title)}</a>'
    if card.source is None:
        return f'<div class="no-video">No picture</div>\n{notes}'
    poster = f' poster="{card.poster}"' if card.poster else ""
    preload = "metadata" if index == 0 else "none"  # the script opens the others when they come near
    failure = f'<p class="note failure" hidden>This browser could not play the file: {link}</p>'
    if card.source != card.original:
        notes += f'<p class="note">Original file: {link}</p>'
    return (
        f'<video controls playsinline preload="{preload}" src="{escape(card.source)}"{poster} '
        f'aria-label="{escape(card.title)}"></video>\n{failure}{notes}'
    )


def _segment_section(card: Card) -> str:
    noun = noun_of([card.task])
    heading = f"{noun.capitalize()}s"
    if not card.segments:
        why = card.empty or f"no {noun} was found in this video."
        return (
            f'<section class="segments" aria-label="{heading}"><h3>{heading}</h3>'
            f'<p class="empty">{escape(why[:1].upper() + why[1:])}</p></section>'
        )
    rows = "\n".join(_segment(card, rank, segment) for rank, segment in enumerate(card.segments))
    order = (
        '<div class="order" role="group" aria-label="Order">'
        '<button type="button" class="toggle" data-order="score" aria-pressed="true">By score</button>'
        '<button type="button" class="toggle" data-order="time" aria-pressed="false">By time</button></div>'
        if len(card.segments) > 1
        else ""
    )
    hint = (
        f'<p class="hint">Small bars: mean in the {noun}; mark: mean of the video.</p>'
        if any(reasons(card, segment) for segment in card.segments)
        else ""
    )
    play = f'<button type="button" class="play-all">Play{" all" * (len(card.segments) > 1)}</button>'
    return f"""\
<section class="segments" aria-label="{heading}">
<div class="segments-head"><h3>{heading}</h3>{order}{play}</div>
{hint}<div class="segment-scroll"><ol class="segment-list">
{rows}
</ol></div>
</section>"""


def _segment(card: Card, rank: int, segment: Segment) -> str:
    thumbnail = card.thumbnails[rank]
    picture = (
        f'<img class="thumbnail" src="{thumbnail}" alt="" loading="lazy" decoding="async">'
        if thumbnail
        else '<span class="thumbnail none"></span>'
    )
    link = card.clip_links[rank]
    clip = (
        f'<a class="clip" href="{escape(link)}" aria-label="Clip file {rank + 1}">Clip</a>'
        if link is not None
        else ""
    )
    decimals = 1 if segment.duration_seconds >= 0.5 else 2
    bar = f'<span class="bar"><i style="width:{_score_share(card, segment):.1%}"></i></span>'
    number = f'<span class="number"><span class="sr">score </span>{segment.score:.2f}</span>'
    ordinal, title = f"<b>{rank + 1}</b> ", ""
    if segment.title is not None:
        text = escape(segment.title)
        ordinal, title = "", f'<span class="title" title="{text}">{ordinal}{text}</span>'
    return (
        f'<li class="segment" data-rank="{rank}">'
        f'<button type="button" class="play" data-segment="{rank}">{picture}<span class="facts">{title}'
        f'<span class="when">{ordinal}{when(segment)}</span>'
        f'<span class="length">{segment.duration_seconds:.{decimals}f} s</span>'
        f'<span class="score">{bar}{number}</span>{_reasons(card, segment)}</span></button>{clip}</li>'
    )


def _reasons(card: Card, segment: Segment) -> str:
    bars = "".join(
        f'<span class="reason color-{number % 6}" title="{mean:.2f}, in the whole video {usual:.2f}">'
        f'{escape(name_of(card.curves[number][0]))}<span class="sr"> {mean:.2f}, </span>'
        f'<span class="meter"><i style="width:{_clamped(mean):.1%}"></i>'
        f'<u style="left:{_clamped(usual):.1%}"></u></span></span>'
        for number, mean, usual in reasons(card, segment)
    )
    return f'<span class="reasons">{bars}</span>' if bars else ""


def _clamped(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _score_share(card: Card, segment: Segment) -> float:
    """Return the length of the score's bar: of [0, 1] where scores are in it, else of their range."""
    scores = [other.score for other in card.segments]
    low = min(0.0, *scores)
    high = 1.0 if low == 0.0 and max(scores) <= 1.0 else max(scores)
    return (segment.score - low) / (high - low) if high > low else 1.0


def _captions(card: Card) -> str:
    if not card.captions:
        return ""
    rows = "\n".join(_caption(card, *caption) for caption in card.captions)
    count = f"{len(card.captions)} {plural('line', len(card.captions))}"
    return (
        f'<details class="captions" open><summary>Transcript <small>{count}</small></summary>\n'
        f'<div class="lines"><ol>\n{rows}\n</ol></div></details>'
    )


def _caption(card: Card, start: float, end: float, text: str) -> str:
    rank = segment_at(card, (start + end) / 2)
    mark = (
        ""
        if rank is None
        else f'<span class="mark"><span class="sr">{noun_of([card.task])} </span>{rank + 1}</span>'
    )
    return (
        f'<li><button type="button" class="caption-line{" chosen" * bool(mark)}" data-start="{start:.3f}">'
        f'<span class="time">{clock(start)}</span> <span class="text">{escape(text)}</span>{mark}'
        "</button></li>"
    )


def _data(card: Card) -> dict[str, Any]:
    pooled, run = max_pool(card.scores)
    return {
        "duration": round(card.duration_seconds, 3),
        "offset": round(card.offset_seconds, 6),
        "scores": [round(score, 4) for score in pooled],
        "step": card.clip_seconds * run,
        "segments": [[round(segment.start, 3), round(segment.end, 3)] for segment in card.segments],
        "captions": [[round(start, 3), round(end, 3)] for start, end, _ in card.captions],
    }


def _script_json(value: Any) -> str:
    """Return JSON that may stand in a script element: no ``</`` and no ``<!--`` can end or open one."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

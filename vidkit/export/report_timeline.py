"""The timeline of a card: the score curve, a strip for each further curve, a lane of buttons and the axis.

Segments are shaded through all curves. The plot is the slider of the keyboard; the buttons of the lane are
beside it and not in it, because what lies inside a slider is hidden from screen readers.
"""

from __future__ import annotations

from vidkit.export.curve import HEIGHT, WIDTH, clock, curve_paths, max_pool, ticks
from vidkit.export.predictions import Segment
from vidkit.export.report_card import Card, escape, name_of, noun_of, share, when


def timeline(card: Card) -> str:
    bands = "".join(_band(card, rank, segment) for rank, segment in enumerate(card.segments))
    lane = f'<div class="lane">{bands}</div>' if bands else ""
    return f"""\
<section class="timeline" aria-label="Score over time">
<div class="timeline-head"><h3>Score</h3><output class="now">{clock(0)}</output>{_legend(card)}</div>
<div class="plot" role="slider" tabindex="0" aria-label="Position in {escape(card.title)}" aria-valuemin="0"
 aria-valuemax="{card.duration_seconds:.1f}" aria-valuenow="0" aria-valuetext="{clock(0)}">
<svg class="curve" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" aria-hidden="true">
{_shades(card, "shade")}{_curve(card)}
</svg>{_score_range(card)}{_strips(card)}
<div class="cursor" hidden><span></span></div>
<div class="playhead"></div>
</div>
{lane}
<div class="axis" aria-hidden="true">{_axis(card)}</div>
</section>"""


def _shades(card: Card, name: str) -> str:
    spans = [(share(card, each.start) * WIDTH, share(card, each.end) * WIDTH) for each in card.segments]
    return "".join(
        f'<rect class="{name}" x="{left:.2f}" y="0" width="{right - left:.2f}" height="{HEIGHT:g}"/>'
        for left, right in spans
    )


def _band(card: Card, rank: int, segment: Segment) -> str:
    left, right = share(card, segment.start), share(card, segment.end)
    label = f"Play {noun_of([card.task])} {rank + 1}, {when(segment)}, score {segment.score:.2f}"
    label = escape(label if segment.title is None else f"{label}: {segment.title}")
    place = f"left:min({left:.4%}, 100% - 7px);width:{right - left:.4%};z-index:{len(card.segments) - rank}"
    return (
        f'<button type="button" class="band" data-segment="{rank}" style="{place}" aria-label="{label}" '
        f'title="{label}"><span>{rank + 1}</span></button>'
    )


def _curve(card: Card) -> str:
    pooled, run = max_pool(card.scores)
    line, area = curve_paths(pooled, card.clip_seconds * run, card.duration_seconds)
    return f'<path fill="url(#fade)" d="{area}"/><path class="line" d="{line}"/>' if line else ""


def _strips(card: Card) -> str:
    strips = []
    for number, (name, scores) in enumerate(card.curves):
        pooled, run = max_pool(scores)
        step = card.duration_seconds / len(scores) if scores else 1.0
        line, area = curve_paths(pooled, step * run, card.duration_seconds)
        strips.append(
            f'<div class="strip curve-{number} color-{number % 6}">'
            f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" aria-hidden="true">'
            f'{_shades(card, "under")}<path class="area" d="{area}"/><path class="line extra" d="{line}"/>'
            f"</svg><span>{escape(name_of(name))}</span></div>"
        )
    return "".join(strips)


def _legend(card: Card) -> str:
    buttons = "".join(
        f'<button type="button" class="toggle color-{number % 6}" data-curve="{number}" aria-pressed="true">'
        f"{escape(name_of(name))}</button>"
        for number, (name, _) in enumerate(card.curves)
    )
    return f'<div class="legend" role="group" aria-label="Further curves">{buttons}</div>' if buttons else ""


def _score_range(card: Card) -> str:
    if not card.scores:
        return '<p class="no-scores">No score per clip</p>'
    low, high = min(card.scores), max(card.scores)
    return f'<span class="high">{high:.2f}</span>' + (
        f'<span class="low">{low:.2f}</span>' if high > low else ""
    )


def _axis(card: Card) -> str:
    times = ticks(card.duration_seconds) if card.duration_seconds > 0 else [0.0]
    decimals = 1 if len(times) > 1 and times[1] < 1 else 0
    spans = []
    for index, time in enumerate(times):
        names = ["odd"] * (index % 2) + ["end"] * (index > 0 and share(card, time) > 0.96)
        place = f'class="{" ".join(names)}" style="left:{share(card, time):.4%}"'
        spans.append(f"<span {place}>{clock(time, decimals)}</span>")
    return "".join(spans)

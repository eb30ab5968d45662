"""What a topic model recognises, as one HTML page: accuracy by part, easy and hard topics, confusions, gains.

The page carries its style, has no script and makes no request to a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from vidkit.export.report_card import escape, name_of
from vidkit.files import write_text

_STYLE = """
:root { color-scheme: light dark; --text: #1a2029; --soft: #5a6574; --line: #dfe3e9; --bar: #2c5cc5;
  --loss: #b5482a; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ee; --soft: #9aa5b4; --line: #2b323c;
  --bar: #86a9ff; --loss: #f08f6d; --page: #101318; } }
body { margin: 2rem auto; max-width: 68rem; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; }
h2 { margin-top: 2.2rem; font-size: 1.25rem; }
h3 { font-size: 1rem; margin: 0.8rem 0 0.3rem; }
p { color: var(--soft); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 0 2rem; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 400; width: 55%; }
tr { border-top: 1px solid var(--line); }
th, td { padding: 0.15rem 0.5rem 0.15rem 0; }
td.number { text-align: right; width: 4rem; }
.bar { display: block; height: 0.7rem; background: var(--bar); border-radius: 2px; }
.bar.loss { background: var(--loss); }
"""

_INTRODUCTION = (
    "Mean class accuracy: the share of a topic's videos that are recognised, as a mean over topics."
)

Change = tuple[str, float]


class Part(Protocol):
    """What the page says of a part; see ``vidkit.evaluation.topic_comparison.PartReport``."""

    @property
    def mca(self) -> float: ...
    @property
    def num_videos(self) -> int: ...
    @property
    def accuracy(self) -> Mapping[str, float]: ...
    @property
    def easiest(self) -> Sequence[str]: ...
    @property
    def hardest(self) -> Sequence[str]: ...
    @property
    def confusions(self) -> Sequence[tuple[str, str, float]]: ...
    @property
    def gains(self) -> Sequence[Change]: ...
    @property
    def losses(self) -> Sequence[Change]: ...


def write_topic_report(path: str | Path, parts: Mapping[str, Part], *, title: str, base: str | None) -> None:
    """Write the page, atomically.

    Args:
        path: The file.
        parts: By name; those of one modality are named as it.
        title: Heading of the page.
        base: The part with which the gains compare.

    Raises:
        OSError: If it cannot be written.
    """
    summary = _bars((part_name(name), part.mca) for name, part in parts.items())
    sections = "\n".join(_section(name, part, base) for name, part in parts.items())
    write_text(
        Path(path),
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n<p>{_INTRODUCTION}</p>\n"
        f"{summary}\n{sections}\n</body>\n</html>\n",
    )


def part_name(part: str) -> str:
    """Return what the page calls a part.

    Example:
        >>> part_name("visual+audio"), part_name("fused")
        ('Picture + Sound', 'All together')
    """
    return "All together" if part == "fused" else " + ".join(name_of(name) for name in part.split("+"))


def _section(name: str, part: Part, base: str | None) -> str:
    tables = [
        ("Easiest topics", _bars((topic, part.accuracy[topic]) for topic in part.easiest)),
        ("Hardest topics", _bars((topic, part.accuracy[topic]) for topic in part.hardest)),
    ]
    if part.confusions:
        rows = ((f"{topic} → {other}", share) for topic, other, share in part.confusions)
        tables.append(("Taken for another", _bars(rows, kind="loss")))
    if base is not None and (part.gains or part.losses):
        over = f"over {part_name(base)}"
        tables.append((f"Gains {over}", _bars(part.gains, sign="+")))
        tables.append((f"Losses {over}", _bars(part.losses, kind="loss")))
    columns = "\n".join(f"<section><h3>{escape(heading)}</h3>{table}</section>" for heading, table in tables)
    facts = f"{part.mca:.1%} mean class accuracy, {part.num_videos} videos, {len(part.accuracy)} topics."
    return f'<h2>{escape(part_name(name))}</h2>\n<p>{facts}</p>\n<div class="columns">\n{columns}\n</div>'


def _bars(rows: Iterable[tuple[str, float]], *, kind: str = "", sign: str = "") -> str:
    """Return a table of names, bars and percentages."""
    cells = "\n".join(_row(name, value, kind, f"{value:{sign}.1%}") for name, value in rows)
    return f"<table>{cells}</table>" if cells else "<p>None.</p>"


def _row(name: str, value: float, kind: str, number: str) -> str:
    bar = f'<span class="bar {kind}" style="width:{min(abs(value), 1):.1%}"></span>'
    return f'<tr><th>{escape(name)}</th><td>{bar}</td><td class="number">{number}</td></tr>'

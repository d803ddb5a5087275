"""Reliability plots as SVG: the share of errors within each interval beside the share that it promises."""

from collections.abc import Mapping, Sequence
from html import escape

SIZE, MARGIN, HEAD = 200.0, 38.0, 24.0
"""Side of a panel's square, room for its axis, room for its title; pixels."""
PER_ROW = 3
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
COLOURS = ("#2f6db3", "#c4622d")
FONT = 'font-family="sans-serif" font-size="11"'

Curves = Mapping[str, Sequence[float]]


def reliability_svg(levels: Sequence[float], panels: Mapping[str, Curves]) -> str:
    """A grid of square panels, one a suite, nominal level to the right and observed share upwards.

    Args:
        levels: Nominal levels, ascending.
        panels: By title, the observed shares of each curve by its label; the same labels everywhere.
    """
    rows = -(-len(panels) // PER_ROW)
    width, height = PER_ROW * (SIZE + MARGIN) + MARGIN, rows * (SIZE + HEAD + MARGIN) + HEAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" {FONT}>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        _legend(list(next(iter(panels.values()), {}))),
    ]
    for i, (title, curves) in enumerate(panels.items()):
        left = MARGIN + (i % PER_ROW) * (SIZE + MARGIN)
        top = 2 * HEAD + (i // PER_ROW) * (SIZE + HEAD + MARGIN)
        parts.append(f'<g transform="translate({left:.0f},{top:.0f})">{_panel(title, levels, curves)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _legend(labels: Sequence[str]) -> str:
    parts = []
    for i, (label, colour) in enumerate(zip(labels, COLOURS, strict=False)):
        x = MARGIN + 130 * i
        parts.append(f'<line x1="{x}" y1="14" x2="{x + 20}" y2="14" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 26}" y="18">{escape(label)}</text>')
    return "".join(parts)


def _panel(title: str, levels: Sequence[float], curves: Curves) -> str:
    parts = [
        f'<text x="0" y="-6" font-weight="bold">{escape(title)}</text>',
        f'<rect width="{SIZE:.0f}" height="{SIZE:.0f}" fill="none" stroke="#888"/>',
        f'<line x1="0" y1="{SIZE:.0f}" x2="{SIZE:.0f}" y2="0" stroke="#bbb" stroke-dasharray="4 3"/>',
    ]
    for tick in TICKS:
        x, y = _place(tick, tick)
        parts.append(f'<text x="{x:.0f}" y="{SIZE + 14:.0f}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="-5" y="{y + 4:.0f}" text-anchor="end">{tick:g}</text>')
    for (_, shares), colour in zip(curves.items(), COLOURS, strict=False):
        points = [_place(level, share) for level, share in zip(levels, shares, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
    return "".join(parts)


def _place(level: float, share: float) -> tuple[float, float]:
    return level * SIZE, (1.0 - share) * SIZE

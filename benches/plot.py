"""Lines over a few labelled places, as SVG. The scale of the figures is logarithmic."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 64, 52
COLOURS = ("#444444", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")
DASHES = ("6 3", "", "", "", "2 3", "2 3")
# Where the legend begins, and from one name to the next, at most.
LEGEND, STEP = 8, 140


def lines(title, labels, series, below, beside):
    """`series` has a list of figures (or None) for each name, one for each label."""
    figures = [value for values in series.values() for value in values if value]
    low = 10.0 ** math.floor(math.log10(min(figures)))
    high = 10.0 ** math.ceil(math.log10(max(figures)))

    def x(index):
        return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / len(labels)

    def y(value):
        share = math.log10(value / low) / math.log10(high / low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 20, title, size=14),
    ]
    decade = low
    while decade <= high * 1.001:
        for factor in range(1, 10):
            if decade * factor <= high * 1.001:
                shade = "#bbbbbb" if factor == 1 else "#eeeeee"
                at = y(decade * factor)
                parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="{shade}"/>')
        parts.append(text(LEFT - 8, y(decade) + 4, f"{decade:g}", anchor="end"))
        decade *= 10
    for index, label in enumerate(labels):
        parts.append(text(x(index), HEIGHT - BOTTOM + 18, label, anchor="middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, below, anchor="middle"))
    parts.append(text(8, TOP - 12, beside))
    for number, (name, values) in enumerate(series.items()):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        points = [(x(i), y(value)) for i, value in enumerate(values) if value]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{path}" {style}/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in points]
        at = LEGEND + number * min(STEP, (WIDTH - LEGEND) // len(series))
        parts.append(f'<path d="M{at} 34h14" {style}/>')
        parts.append(text(at + 18, 38, name))
    return "\n".join(parts) + "\n</svg>\n"


def text(x, y, words, anchor="start", size=12):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(words)}</text>"
    )

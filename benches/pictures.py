"""The benchmark's results as pictures."""

import plot
from catalogue import CHUNKS, COUNTS, CURVE_PEERS
from figures import rows, sample

ROW, WIDTH, MIDDLE, SCALE = 24, 940, 720, 100
TEXTS = (10, 310)


def draw(results):
    """The name and the content of each."""
    compared = rows(results)
    if compared:
        yield "bench-table.svg", bars(compared)
    for kind, values, below in [
        ("chunk", CHUNKS, "octets a call reads or writes"),
        ("flows", COUNTS, "flows at once"),
    ]:
        series = {
            f"{peer.partition(',')[0]} {way}": [
                median(sample(results, f"{way} {kind} {value}", peer, "gbit_per_second"))
                for value in values
            ]
            for peer in CURVE_PEERS[kind]
            for way in ("in", "out")
        }
        if any(value for of_peer in series.values() for value in of_peer):
            title = f"Throughput over {below}"
            labels = [f"{value:,}" for value in values]
            picture = plot.lines(title, labels, series, below, "Gbit/s")
            yield f"bench-{kind}.svg", picture


def median(values):
    return values.median if values else None


def bars(compared):
    """A bar for each target: how far the figure is from it, to the right if it is reached."""
    height = ROW * (len(compared) + 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        plot.text(TEXTS[0], 22, "What is to be reached, and what is", size=14),
        plot.text(MIDDLE, 40, "the target", anchor="middle"),
        f'<path d="M{MIDDLE} 46V{height - ROW}" stroke="#444444"/>',
    ]
    for number, row in enumerate(compared):
        y = ROW * (number + 2.5)
        length = max(-1.0, min(1.0, row.margin)) * SCALE
        colour = "#2ca02c" if row.reached else "#d62728"
        left = MIDDLE + min(0.0, length)
        parts += [
            plot.text(TEXTS[0], y, row.title),
            plot.text(TEXTS[1], y, f"{row.judged} {row.beside}".strip() + f", to reach {row.to_reach}"),
            f'<rect x="{left:.1f}" y="{y - 12:.1f}" width="{abs(length):.1f}" height="14" '
            f'fill="{colour}"/>',
            plot.text(MIDDLE + SCALE + 10, y, row.ours.partition(" (")[0]),
        ]
    return "\n".join(parts) + "\n</svg>\n"

"""Draw the pictures of the documentation: ``python docs/pictures/draw.py [FOLDER]`` writes them as SVG.

Each picture brings its own ground, light or dark as the reader's system asks, so that it can be read on any page. They
are 480 wide, so that letters stay readable on a phone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

_WIDTH = 480
_STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; }
  .ink { fill: #1f2328; }
  .quiet { fill: #57606a; }
  .line { stroke: #57606a; fill: none; }
  .first { fill: #0b5cad; stroke: #0b5cad; }
  .second { fill: #8250df; stroke: #8250df; }
  .third { fill: #1a7f37; stroke: #1a7f37; }
  .other { fill: #bc4c00; stroke: #bc4c00; }
  .plain { fill: #eaeef2; stroke: #8c959f; }
  .again { fill: none; stroke-dasharray: 3 2; }
  .onto { fill: #ffffff; }
  .band { fill: #0b5cad; opacity: 0.14; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d; }
    .ink { fill: #f0f6fc; }
    .quiet { fill: #a5afba; }
    .line { stroke: #a5afba; }
    .first { fill: #79b8ff; stroke: #79b8ff; }
    .second { fill: #d2a8ff; stroke: #d2a8ff; }
    .third { fill: #7ee787; stroke: #7ee787; }
    .other { fill: #ffa657; stroke: #ffa657; }
    .plain { fill: #21262d; stroke: #6e7681; }
    .again { fill: none; }
    .onto { fill: #0d1117; }
    .band { fill: #79b8ff; opacity: 0.22; }
  }
  text { font: 13px system-ui, "Noto Sans", "DejaVu Sans", sans-serif; stroke: none !important; }
  .title { font-weight: 600; font-size: 14px; }
  .small { font-size: 12px; }
"""


class Picture:
    """Shapes of one picture, and its words for those who cannot see it."""

    def __init__(self, height: int, title: str, description: str) -> None:
        self._height, self._title, self._description = height, title, description
        self._shapes: list[str] = []

    def text(self, x: float, y: float, words: str, style: str = "ink", anchor: str = "start") -> None:
        """Write a line whose baseline is at y."""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._shapes.append(f'<text x="{x:g}" y="{y:g}" class="{style}"{place}>{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, style: str, words: str = "") -> None:
        """Draw a box, with words in its middle."""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" class="{style}" '
            'stroke-width="1.5"/>'
        )
        if words:
            on = "ink" if "plain" in style or "again" in style else "onto"
            self.text(x + width / 2, y + height / 2 + 4.5, words, f"small {on}", "middle")

    def line(self, *points: tuple[float, float]) -> None:
        """Draw a line through points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(f'<polyline points="{path}" class="line" stroke-width="1.2"/>')

    def bracket(self, left: float, right: float, y: float, words: str, style: str = "ink") -> None:
        """Draw a bracket that opens upwards, and words below its middle."""
        self.line((left, y), (left, y + 6), (right, y + 6), (right, y))
        self.text((left + right) / 2, y + 21, words, f"small {style}", "middle")

    def dot(self, x: float, y: float, style: str) -> None:
        """Draw a dot."""
        self._shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="4" class="{style}"/>')

    def svg(self) -> str:
        """Return the picture."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {self._height}" width="{_WIDTH}" '
                f'height="{self._height}" role="img" aria-labelledby="title description">',
                f'<title id="title">{escape(self._title)}</title>',
                f'<desc id="description">{escape(self._description)}</desc>',
                f"<style>{_STYLE}</style>",
                f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{self._height - 1}" rx="6" class="ground"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


def batch() -> Picture:
    """Return one batch of 20 seats, and the four steps that compose it."""
    picture = Picture(
        380,
        "One batch",
        "Four steps. 1: pick one of three experiments, here plate_2. 2: 4 of the 20 seats leak, they go to rows of the "
        "other experiments. 3: the 16 primary seats are split over three conditions, 5 each. 4: the odd seat that is "
        "left is drawn: the first condition gets it.",
    )
    picture.text(16, 26, "One batch: 20 seats, leaky = 0.2, three conditions", "title ink")
    picture.text(16, 54, "1. Pick an experiment.")
    for place, (name, style) in enumerate([("plate_1", "plain"), ("plate_2", "first"), ("plate_3", "plain")]):
        picture.box(238 + place * 76, 39, 70, 22, style, name)
    left, width = 20, 22

    def seats(y: float, first: int, styles: Sequence[str]) -> None:
        for place, style in enumerate(styles, start=first):
            picture.box(left + place * width + 1, y, width - 4, 22, style)

    picture.text(16, 88, "2. A fraction of the seats leaks: int(20 x 0.2) = 4.")
    seats(98, 0, ["plain"] * 16)
    seats(98, 16, ["other"] * 4)
    picture.text(16, 148, "3. Split the rest over the conditions: 16 / 3 is 5 each.")
    parts = ["first"] * 5, ["second"] * 5, ["third"] * 5, ["other"] * 4
    seats(158, 0, [*parts[0], "plain", *parts[1], *parts[2], *parts[3]])
    picture.text(16, 208, "4. Draw who gets the odd seat. Fill the seats with rows.")
    seats(218, 0, ["first"] * 6 + [style for part in parts[1:] for style in part])

    def edges(first: int, last: int) -> tuple[float, float]:
        return left + first * width + 1, left + (last + 1) * width - 3

    picture.bracket(*edges(0, 5), 246, "6 x drug_a", "first")
    picture.bracket(*edges(6, 10), 246, "5 x drug_b", "second")
    picture.bracket(*edges(11, 15), 246, "5 x control", "third")
    picture.bracket(*edges(16, 19), 246, "4 x leak", "other")
    picture.bracket(*edges(0, 15), 278, "primary: 16 rows of plate_2")
    picture.text(sum(edges(16, 19)) / 2, 299, "other plates", "small ink", "middle")
    picture.text(16, 332, "A seat is a place in a batch, a cell the rows of one condition in one", "small quiet")
    picture.text(16, 349, "experiment: the 6 rows of drug_a are from the cell plate_2 / drug_a.", "small quiet")
    picture.text(16, 366, "A cell with fewer rows than seats repeats rows.", "small quiet")
    return picture


def decks() -> Picture:
    """Return a cell of 13 rows, dealt five at a time over two laps."""
    picture = Picture(
        342,
        "A deck and its laps",
        "The cell plate_2 / drug_b has 13 rows, shuffled as a deck of 13 cards. Each batch takes five. The third batch "
        "finds three cards left and is filled up with the first two cards of the same lap. Then the deck is shuffled "
        "anew, which begins the second lap.",
    )
    picture.text(16, 26, "The cell plate_2 / drug_b as a deck of 13 cards", "title ink")
    picture.text(16, 46, "Each batch of plate_2 takes five of its rows.", "small quiet")
    laps = [[7, 1, 12, 4, 9, 0, 10, 3, 6, 11, 2, 8, 5], [3, 11, 8, 0, 5, 12, 6, 2, 9, 1, 4, 10, 7]]
    y = 62.0
    for number, lap in enumerate(laps):
        picture.text(16, y + 14, f"Lap {number + 1}: {'shuffled' if number == 0 else 'shuffled anew'}")
        y += 24
        for deal in range(3):
            picture.text(16, y + 18, f"batch {number * 3 + deal + 1} of plate_2", "small quiet")
            for seat in range(5):
                place = deal * 5 + seat
                again = place >= len(lap)
                picture.box(152 + seat * 40, y, 34, 26, "first again" if again else "first", str(lap[place % len(lap)]))
            if deal == 2:
                picture.text(356, y + 11, "two seats", "small quiet")
                picture.text(356, y + 25, "filled up", "small quiet")
            y += 31
        y += 8
    picture.text(16, 326, "Every row is dealt once before any row is dealt a second time.", "small quiet")
    return picture


def ranks() -> Picture:
    """Return seven global batches dealt to three ranks."""
    picture = Picture(
        226,
        "Global batches and ranks",
        "Seven global batches, numbered 0 to 6, for three ranks. In each round every rank takes the next one. The "
        "third round has batch 6 for rank 0 only; it is filled with two more, so that each rank has three batches.",
    )
    picture.text(16, 26, "7 global batches, 3 ranks: 3 rounds", "title ink")
    for number in range(3):
        picture.text(153 + number * 90, 56, f"round {number}", "small quiet", "middle")
        picture.text(16, 86 + number * 38, f"rank {number}")
    for batch_number in range(9):
        place, rank = divmod(batch_number, 3)
        filled = batch_number >= 7
        words = f"{batch_number - 7} again" if filled else f"batch {batch_number}"
        picture.box(115 + place * 90, 68 + rank * 38, 76, 28, "first again" if filled else "first", words)
    picture.text(386, 126, "fill the", "small quiet")
    picture.text(386, 141, "last round", "small quiet")
    picture.text(16, 198, "Every rank yields 3 batches, and len(sampler) is 3. The order of the", "small quiet")
    picture.text(16, 214, "global batches does not depend on the number of ranks.", "small quiet")
    return picture


def around_a_time() -> Picture:
    """Return a time axis with a focal time, the rows near it, and those far from it."""
    picture = Picture(
        232,
        "Around a focal time",
        "Times from 0 to 24 hours. The focal time is 10 h. Rows from 8 to 12 h are near, all others of the experiment "
        "are far. Of 10 primary seats 7 go to near rows and 3 to far rows.",
    )
    picture.text(16, 26, "A focal time of 10 h, a window of 2 h", "title ink")

    def place(hours: float) -> float:
        return 24 + hours * 18

    picture.box(place(8), 44, place(12) - place(8), 62, "band")
    picture.line((place(10), 64), (place(10), 106))
    picture.text(place(10), 58, "near", "small first", "middle")
    picture.text(place(4), 58, "far", "small other", "middle")
    picture.text(place(17), 58, "far", "small other", "middle")
    for hours in range(25):
        picture.dot(place(hours), 84, "first" if 8 <= hours <= 12 else "other")
    picture.line((place(0), 106), (place(24), 106))
    for hours in range(0, 25, 4):
        picture.line((place(hours), 106), (place(hours), 111))
        picture.text(place(hours), 125, f"{hours} h", "small quiet", "middle")
    picture.text(16, 156, "10 primary seats, temporal_global_fraction = 0.3:", "small ink")
    for seat in range(10):
        picture.box(20 + seat * 24, 166, 20, 22, "first" if seat < 7 else "other")
    picture.text(276, 182, "7 near, 3 far", "small ink")
    picture.text(16, 214, "A dot stands for the rows of one time. Next batch: another focal time.", "small quiet")
    return picture


PICTURES = {"batch": batch, "decks": decks, "ranks": ranks, "time": around_a_time}


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

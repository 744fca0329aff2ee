"""An audit as a page, opened in a real browser, as a piece of a notebook, and as a figure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from cascade_sampler._report.contents import COLOURS, CONDITION_COLOURS, LETTERS, REST, contents
from cascade_sampler._tables.shown import visible

# Names that a page must not take for its own language, nor a figure for mathematics.
EVIL = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&amp;'\"$\\frac$ "
UNBROKEN = "an_experiment_with_a_name_that_nobody_could_ever_break_into_lines_" * 3


def few() -> FlexibleBatchSampler:
    rows = np.arange(3000)
    table = {"experiment": np.array(["plate 1", "plate 2", "plate 3"])[rows % 3], "condition": rows % 4}
    return FlexibleBatchSampler(table, batch_size=50, leaky=0.2, seed=1)


def many() -> FlexibleBatchSampler:
    rng = np.random.default_rng(0)
    experiment, condition = rng.choice(200, 30_000, p=np.arange(1, 201) / 20_100), rng.choice(9, 30_000)
    names = np.array([f"{EVIL if k % 2 else UNBROKEN}{k}" for k in range(200)])
    conditions = np.array([f"{EVIL}{k}" for k in range(9)])
    table = {"experiment": names[experiment], "condition": conditions[condition]}
    return FlexibleBatchSampler(table, batch_size=64, leaky=0.15, seed=0)


def without_keys() -> FlexibleBatchSampler:
    table = {"x": np.arange(100)}
    return FlexibleBatchSampler(table, batch_size=10, experiment_aware=False, condition_balanced=False)


def around_times() -> FlexibleBatchSampler:
    rows = np.arange(4000)
    table = {"experiment": rows % 3, "condition": rows % 2, "hours_post_infection": rows // 100 * 0.5}
    return FlexibleBatchSampler(table, batch_size=40, leaky=0.1, temporal_enrichment=True, seed=2)


def dealt() -> CascadeSampler:
    rows = np.arange(4000)
    table = {"plate": np.minimum(rows // 900, 3), "dose": np.where(rows % 20, "control", "rare")}
    return CascadeSampler(table, 40, experiment_key="plate", condition_key="dose", leaky=0.1, seed=2)


SAMPLERS = {make.__name__: make for make in (few, many, without_keys, around_times, dealt)}


@pytest.fixture(scope="module", params=SAMPLERS)
def audit(request: pytest.FixtureRequest) -> Any:
    return SAMPLERS[request.param]().audit(epochs=2)


@pytest.fixture(scope="module")
def path(audit: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    audit.html(path, table="a table")
    return path


class Parsed(HTMLParser):
    """Tags that are opened and not closed, and what the page would load."""

    EMPTY = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "onerror")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_refers_to_nothing_and_runs_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    page = Parsed(text)
    assert page.open == [] and page.loaded == []
    assert not page.seen & {"script", "link", "img", "iframe", "object", "foreignobject"}
    assert "url(" not in text and "@import" not in text and "http" not in text
    assert len(text.encode()) < 200_000


def test_every_number_of_the_audit_that_the_page_shows(audit: Any, path: Path) -> None:
    text = Parsed(path.read_text(encoding="utf-8")).text
    assert f"{audit.batches:,}" in text and f"{audit.rows:,}" in text
    for finding in audit.findings:
        assert finding in text
    for times, rows in enumerate(audit.draws[:10]):
        assert re.search(rf"{'once' if times == 1 else f'{times} times'}\s*{rows:,} rows", text)
    for key in ("same_experiment", "same_condition", "same_cell", "near_in_time"):
        pair = audit.pairs[key]
        shown = pair["got"] is not None and f"here {pair['got']:.1%}, shuffled {pair['shuffled']:.1%}" in text
        assert shown == (pair["got"] is not None)
    largest = np.argsort(audit.experiments["weight"])[::-1][:15]
    for number in largest if audit.experiments["label"] != [None] else ():
        assert visible(str(audit.experiments["label"][number]), LETTERS) in text
        asked, got = audit.experiments["weight"][number], audit.experiments["share"][number]
        assert f"asked {asked:.2%}, got {got:.2%}" in text


def test_the_columns_are_the_batches() -> None:
    sampler = few()
    page = _page(sampler.audit())
    text = Parsed(page).text
    # A fifth at the top is paler, in the columns by experiment and in those by condition.
    leaks = "".join(re.findall(r'<path class="leak" d="([^"]+)"', page))
    assert re.findall(r"M\d+ (\d+)h1v(\d+)h-1z", leaks) == [("0", "10")] * 2 * len(sampler)
    seats = re.findall(r"batch (\d+): (\d+) of (plate \d), 10 leaked", text)
    assert [(int(batch), int(number)) for batch, number, _ in seats] == [(batch, 40) for batch in range(len(sampler))]
    assert [name for _, _, name in seats] == [f"plate {rows[0] % 3 + 1}" for rows in sampler.epoch_batches(0)]
    drawn: dict[tuple[int, str], int] = {}
    for part, svg in enumerate(re.findall(r'<svg class="batches".*?by experiment">(.*?)</svg>', page)):
        for colour, path in re.findall(r'<path fill="(#\w+)" d="([^"]+)"', svg):
            for x, height in re.findall(r"M(\d+) \d+h.9v(\d+)h-.9z", path):
                key = 50 * part + int(x), colour
                drawn[key] = drawn.get(key, 0) + int(height)
    colours = dict(zip(("plate 1", "plate 2", "plate 3"), COLOURS, strict=False))
    wanted: dict[tuple[int, str], int] = {}
    for batch, rows in enumerate(sampler.epoch_batches(0)):
        for row in rows.tolist():
            key = batch, colours[f"plate {row % 3 + 1}"]
            wanted[key] = wanted.get(key, 0) + 1
    assert drawn == wanted


def test_many_experiments_are_the_largest_and_the_rest() -> None:
    text = Parsed(_page(many().audit())).text
    assert "181 further experiments" in text and "194 further experiments" in text


def test_a_notebook_shows_the_same(audit: Any, path: Path) -> None:
    shown = audit._repr_html_()
    assert Parsed(shown).open == []
    # The page's line below the title names its table, the notebook's does not.
    assert shown.replace('<p class="about">', '<p class="about">a table, ') in path.read_text(encoding="utf-8")
    # Styles of a notebook's other cells stay as they are.
    for selector in re.findall(r"^\s*([^@{}\n]+)\{", shown[: shown.index("</style>")], flags=re.MULTILINE):
        whole = re.sub(r"\([^)]*\)", "", selector)
        assert all(part.strip().startswith(".cascade-audit") for part in whole.split(","))


def test_the_figure_draws_without_a_warning(audit: Any, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = audit.plot()
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "audit.png", dpi=40)
    titles = [axes.get_title() for axes in figure.axes]
    with_keys = audit.experiments["label"] != [None]
    assert len(titles) == (7 if with_keys else 2)
    draws = next(axes for axes in figure.axes if axes.get_title() == "Draws per row")
    assert sum(bar.get_height() for bar in draws.patches) == audit.rows


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    code = """
import sys
sys.modules["matplotlib"] = None
from cascade_sampler import FlexibleBatchSampler
audit = FlexibleBatchSampler({"experiment": ["a", "b"] * 50}, batch_size=10, condition_balanced=False).audit()
audit._repr_html_()
try:
    audit.plot()
except ImportError as error:
    print(error)
"""
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "pip install 'cascade-sampler[report]'" in shown


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Debian's chromium, which .ci/run installs")
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


# A measure of what is seen: WCAG's contrast of a text and its ground.
CONTRAST = """() => {
    const luminance = colour => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = luminance(getComputedStyle(document.querySelector('.cascade-audit')).backgroundColor);
    const least = [...document.querySelectorAll('.cascade-audit :is(h1, h2, p, dt, dd, li, span, text)')].map(each => {
        const style = getComputedStyle(each);
        const ink = luminance(each.tagName === 'text' ? style.fill : style.color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    });
    return [ground, Math.min(...least)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_opens_in_a_browser(browser: Any, path: Path, width: int, scheme: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    errors: list[str] = []
    asked_for: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(path.as_uri())
    assert errors == [] and asked_for == [path.as_uri()]
    assert page.title() == "What the batches of a table hold"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, contrast = page.evaluate(CONTRAST)
    assert ground > 0.9 if scheme == "light" else ground < 0.05
    assert contrast >= 4.5
    assert page.screenshot(path=tmp_path / "page.png", full_page=True)
    page.close()


def test_a_notebook_has_its_own_theme(browser: Any, audit: Any) -> None:
    """Whatever the system's is: Jupyter, VS Code and Colab say it on an element around the output."""
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        for body, is_dark in (
            ("<body>", False),
            ('<body data-jp-theme-light="true">', False),
            ('<body data-jp-theme-light="false">', True),
            ('<body class="vscode-light">', False),
            ('<body class="vscode-dark">', True),
            ('<html theme="dark"><body>', True),
        ):
            page.set_content(f"<!DOCTYPE html>{body}{audit._repr_html_()}")
            ground, contrast = page.evaluate(CONTRAST)
            assert (ground < 0.05) == is_dark and contrast >= 4.5, (scheme, body)
        page.close()


def test_sections_do_not_break_in_print(browser: Any, path: Path) -> None:
    page = browser.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    kept = page.evaluate("[...document.querySelectorAll('section')].map(one => getComputedStyle(one).breakInside)")
    assert kept and set(kept) == {"avoid"}
    assert page.evaluate(
        "[...document.querySelectorAll('section, ul, p, h2')].every(one => one.textContent || one.querySelector('svg'))"
    )
    page.close()


def test_tiles_are_four_by_two(browser: Any, path: Path) -> None:
    places = "[...document.querySelectorAll('dl > div')].map(one => one.getBoundingClientRect().top)"
    for width, lines in ((1400, 2), (390, 4)):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        found = page.evaluate(places)
        assert len(found) == 8 and len(set(found)) == lines
        page.close()


def test_on_paper_it_is_black_on_white(browser: Any, path: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(path.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    ground, contrast = page.evaluate(CONTRAST)
    assert ground == pytest.approx(1) and contrast >= 4.5
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()


def _page(audit: Any) -> str:
    from cascade_sampler._report.page import page

    return page(audit)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""
    light = []
    for colour in (one, other):
        parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize(("paper", "edge"), [("#ffffff", "--on-white"), ("#16181b", "--on-black")])
def test_seats_of_little_contrast_have_an_outline(paper: str, edge: str) -> None:
    page = _page(few().audit())
    rule = re.search(rf":is\(([^)]*)\) {{ stroke: var\({edge}\)", page)
    assert rule
    outlined = set(re.findall(r"#[0-9a-f]{6}", rule[1]))
    assert outlined == {colour for colour in (*COLOURS, *CONDITION_COLOURS, REST) if contrast(colour, paper) < 3}
    (line,) = set(re.findall(rf"{edge}: (#\w+)", page))
    assert contrast(line, paper) >= 3


def test_conditions_have_colours_of_their_own() -> None:
    assert not set(COLOURS) & set(CONDITION_COLOURS)
    assert REST not in (*COLOURS, *CONDITION_COLOURS)


def test_what_the_page_is_about(tmp_path: Path) -> None:
    import datetime

    from cascade_sampler import __version__

    few().audit().html(tmp_path / "audit.html", table="cells\u202e.parquet")
    text = Parsed((tmp_path / "audit.html").read_text(encoding="utf-8")).text
    assert f"cells\\u202e.parquet, FlexibleBatchSampler, seed 1, cascade-sampler {__version__}, " in text
    assert str(datetime.date.today().year) in text
    assert "batch_size 50" in text and "leaky 0.2" in text


def test_sections_of_cells_and_times() -> None:
    audit = around_times().audit()
    text = Parsed(_page(audit)).text
    assert "Focal times" in text and f"and {len(audit.times['hours']) - 20} more" in text and "Cells" in text
    busiest = int(np.argmax(audit.times["batches"]))
    assert f"{audit.times['hours'][busiest]:g} h{audit.times['batches'][busiest]}" in text
    assert "Cells" not in Parsed(_page(without_keys().audit())).text


@pytest.mark.parametrize(
    ("most", "step", "top"),
    [(1.0, 0.2, 1.0), (0.5, 0.1, 0.5), (0.0123, 0.005, 0.015), (0.33, 0.1, 0.4), (0.0, 0.2, 1.0), (1e-6, 2e-7, 1e-6)],
)
def test_ticks(most: float, step: float, top: float) -> None:
    from cascade_sampler._report.page import _axis

    assert _axis(most) == pytest.approx((step, top))


HOSTILE = [
    "a\x00b",
    "a\x1b[2Jb",
    "a\x9bb",
    "a\u202eb",
    "a\u2066b",
    "line\nline",
    "tab\tb",
    "caf\udce9",
    "x" * 5000,
    " ",
]


def test_hostile_labels_on_every_way_out(tmp_path: Path) -> None:
    import json

    table = {
        "experiment": np.array(HOSTILE, dtype=object)[np.arange(400) % len(HOSTILE)],
        "condition": np.arange(400) % 3,
    }
    audit = FlexibleBatchSampler(table, 12, leaky=0.3).audit()
    audit.html(tmp_path / "audit.html")
    page = (tmp_path / "audit.html").read_bytes().decode()
    text = str(audit)
    for written in (page, text):
        for letter in "\x00\x1b\x9b\u202e\u2066\t":
            assert letter not in written
        assert "\\u202e" in written and "\\x1b[2Jb" in written and "\\udce9" in written and "…" in written
    assert max(map(len, text.splitlines())) <= 80
    text.encode()
    json.dumps(audit.to_dict(), allow_nan=False).encode()
    audit.plot().savefig(tmp_path / "audit.png", dpi=40)


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
def test_durations_are_one_text_whatever_their_unit(unit: str) -> None:
    import json

    dose = (np.arange(40) % 2 + 1).astype("m8[h]").astype(f"m8[{unit}]")
    audit = FlexibleBatchSampler({"experiment": np.arange(40) // 20, "condition": dose}, 4).audit()
    assert json.loads(json.dumps(audit.to_dict(), allow_nan=False))["conditions"]["label"] == [
        "0 days 01:00:00",
        "0 days 02:00:00",
    ]
    assert "0 days 01:00:00" in str(audit) and "0 days 01:00:00" in _page(audit)


def test_what_is_infinite_is_text_in_json() -> None:
    import json

    table = {
        "experiment": [1.0, float("inf")] * 20,
        "condition": ["x", "x", "y", "y"] * 10,
        "hours_post_infection": np.arange(40.0),
    }
    audit = FlexibleBatchSampler(table, 4, temporal_enrichment=True, temporal_window_hours=float("inf")).audit()
    told = json.loads(json.dumps(audit.to_dict(), allow_nan=False))
    assert told["experiments"]["label"] == [1.0, "inf"] and told["settings"]["temporal_window_hours"] == "inf"


def test_letters_that_no_font_has_are_escapes(tmp_path: Path) -> None:
    from cascade_sampler._report.fonts import fonts_for, with_escapes

    assert fonts_for(["plain", "ελ"]) == (["DejaVu Sans"], frozenset())
    nowhere = "\U0010ffff"
    families, lacking = fonts_for([f"a{nowhere}"])
    assert families == ["DejaVu Sans"] and lacking == {nowhere}
    assert with_escapes(f"a{nowhere}", lacking) == "a\\U0010ffff"
    table = {"experiment": np.array(["板", f"b{nowhere}"])[np.arange(40) % 2]}
    audit = FlexibleBatchSampler(table, 4, condition_balanced=False).audit()
    # A letter without a font is a warning, and so an error here.
    audit.plot().savefig(tmp_path / "audit.png", dpi=40)


def test_laps_of_dealt_cells():
    audit = dealt().audit(epochs=2)
    text = Parsed(_page(audit)).text
    assert "Laps" in text and "Laps" not in Parsed(_page(few().audit())).text
    assert "seats dealt, not drawn" in text and f"{audit.dealt:,} of {audit.seats:,}" in text
    of = audit.cells
    laps = [2 * rows / got for rows, got in zip(of["rows"], of["got"], strict=True)]
    slowest = int(np.argmax(laps))
    (line, *_) = contents(audit).laps.lines
    assert line == (
        f"{of['experiment'][slowest]} / {of['condition'][slowest]}",
        f"{of['rows'][slowest]:,}",
        f"{of['got'][slowest] / 2:,.1f}",
        f"{laps[slowest]:,.2f}",
    )
    # Without keys all rows are one cell, whose lap is the epoch.
    assert not contents(CascadeSampler({"x": np.arange(100)}, 10).audit()).laps.lines
    assert contents(few().audit()).laps.lines == ()

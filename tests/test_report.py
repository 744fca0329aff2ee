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

from cascade_sampler import FlexibleBatchSampler

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


SAMPLERS = {make.__name__: make for make in (few, many, without_keys, around_times)}


@pytest.fixture(scope="module", params=SAMPLERS)
def audit(request: pytest.FixtureRequest) -> Any:
    return SAMPLERS[request.param]().audit(epochs=2)


@pytest.fixture(scope="module")
def path(audit: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    audit.html(path)
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
    assert len(text) < 1_500_000


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
        assert str(audit.experiments["label"][number]) in text
        asked, got = audit.experiments["weight"][number], audit.experiments["share"][number]
        assert f"asked {asked:.2%}, got {got:.2%}" in text


def test_the_columns_are_the_batches() -> None:
    sampler = few()
    page = _page(sampler.audit())
    text = Parsed(page).text
    # A fifth at the top is paler, in the columns by experiment and in those by condition.
    leaks = re.findall(r'class="leak" x="\d+" y="([0-9.]+)" width="1" height="([0-9.]+)"', page)
    assert leaks == [("0.0", "20.0")] * 2 * len(sampler)
    seats = re.findall(r"batch (\d+): (\d+) of (plate \d)(, leaked)?", text)
    counted: dict[tuple[int, str, bool], int] = {}
    for batch, number, name, leak in seats:
        counted[int(batch), name, bool(leak)] = int(number)
    wanted: dict[tuple[int, str, bool], int] = {}
    for batch, rows in enumerate(sampler.epoch_batches(0)):
        for seat, row in enumerate(rows.tolist()):
            key = batch, f"plate {row % 3 + 1}", seat >= 40
            wanted[key] = wanted.get(key, 0) + 1
    assert counted == wanted


def test_many_experiments_are_the_largest_and_the_rest() -> None:
    text = Parsed(_page(many().audit())).text
    assert "181 further experiments" in text and "194 further experiments" in text


def test_a_notebook_shows_the_same(audit: Any, path: Path) -> None:
    shown = audit._repr_html_()
    assert Parsed(shown).open == []
    assert shown in path.read_text(encoding="utf-8")
    # Styles of a notebook's other cells stay as they are.
    for selector in re.findall(r"^\s*([^@{}\n]+)\{", shown[: shown.index("</style>")], flags=re.MULTILINE):
        assert all(part.strip().startswith(".cascade-audit") for part in selector.split(","))


def test_the_figure_draws_without_a_warning(audit: Any, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = audit.plot()
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "audit.png", dpi=40)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 7
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
    assert page.title() == "What the batches hold"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, contrast = page.evaluate(CONTRAST)
    assert ground > 0.9 if scheme == "light" else ground < 0.05
    assert contrast >= 4.5
    assert page.screenshot(path=tmp_path / "page.png", full_page=True)
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

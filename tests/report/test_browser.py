"""The page as a browser shows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from checkout_age.batch.__main__ import main
from tests.lakes import FIRST, made_up_photos, write_lake

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    groups = np.random.default_rng(0).choice(8, 400)
    ids = write_lake(lake, made_up_photos(400, 1), made_up_photos(600, 2), [groups] * 2)
    rows = [f"{each},milk,dairy,1,2.5\n{each},tea,drinks,1,3\n" for each in ids]
    (lake / "baskets.csv").write_text(
        "purchase_id,product,category,quantity,amount\n" + "".join(rows)
    )
    days = ("--from", str(FIRST), "--to", "2026-11-02")
    baskets = ("--baskets", str(lake / "baskets.csv"))
    main(["report", "--lake", str(lake), *days, *baskets, "--out", str(lake / "report")])
    return lake / "report" / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=[390, 1440])
def page(browser: Browser, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page at a phone's and at a desk's width; any console line or request fails the test."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: said.append(asked.url))
    page.goto(page_file.as_uri())
    yield page
    page.close()
    assert said == [page_file.as_uri()]


def test_every_figure_is_seen_whole_and_the_page_is_no_wider_than_the_screen(page: Page) -> None:
    width = page.evaluate("document.documentElement.scrollWidth")
    assert page.viewport_size is not None
    assert width <= page.viewport_size["width"]
    figures = page.locator("figure")
    assert figures.count() == 5
    for number in range(figures.count()):
        drawing = figures.nth(number).locator("svg:visible")
        assert drawing.count() == 1
        box = drawing.bounding_box()
        assert box is not None
        assert box["height"] > 50
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
        assert drawing.locator("text").count() > 3


def test_figures_have_names_and_tables_beside_them(page: Page) -> None:
    drawings = page.locator("figure [role=img]:visible")
    assert drawings.count() == 5
    for number in range(drawings.count()):
        assert len(drawings.nth(number).get_attribute("aria-label") or "") > 20
    folded = page.locator("figure + details")
    assert folded.count() == 4
    folded.first.locator("summary").click()
    assert folded.first.locator("table").is_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_serious(browser: Browser, page_file: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(page_file.as_uri())
    for table in page.locator("details").all()[:2]:
        table.locator("summary").click()
    found = Axe().run(page).response["violations"]
    page.close()
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []


def test_printed_it_keeps_its_wide_figures_and_the_method(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("figure .wide:visible").count() == 5
    assert page.locator("figure .narrow:visible").count() == 0
    assert page.locator("nav:visible").count() == 0
    assert page.locator("details").count() > 0
    assert page.locator("details table:visible").count() == page.locator("details table").count()
    assert page.get_by_role("heading", name="How this was made").is_visible()

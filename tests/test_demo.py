"""The demonstration: what its page asks of the presets, and the page as a browser shows it."""

import itertools
import threading

import numpy as np
import pytest

import sisrnn_tf
from launch import demo
from sisrnn_tf.runs.demonstration import MAX_STEPS, SIZE, Demonstration
from sisrnn_tf.runs.page_server import PageServer

DRAWING = {"strokes": [[[100, 100], [300, 110]]], "pen_down": False, "num_steps": 6, "num_samples": 3, "seed": 0}
DIGIT = {"rows": [[0, 0, 1, 1, 1, 1, 0, 0]] * 3, "num_samples": 2, "seed": 0}
_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def shown():
    return Demonstration(*(sisrnn_tf.load(f"preset:{name}") for name in ("kanji", "digits")))


def test_drawings_go_on_from_where_the_pen_is(shown):
    line = [[100.0 + 10 * step, 100.0 + 2.0 * (step % 2)] for step in range(21)]  # as a hand draws it
    for is_down, drawing in itertools.product(
        (False, True), ([], [line[:1]], [line], [line, [[120, 300], [120, 200]]])
    ):
        answer = shown.complete_drawing(DRAWING | {"strokes": drawing, "pen_down": is_down})
        completions = answer["completions"]
        assert len(completions) == 3 and answer["num_points"] == max(0, 2 * len(drawing) - 1 if line in drawing else 0)
        start = drawing[-1][-1] if drawing else [SIZE / 4, SIZE / 4]
        begins = is_down or not answer["num_points"]
        for strokes in completions:
            assert sum(map(len, strokes)) == 6 + begins
            assert (strokes[0][0] == start) == begins
        assert len({str(strokes) for strokes in completions}) == 3
    assert shown.complete_drawing(DRAWING) == shown.complete_drawing(DRAWING)
    assert shown.complete_drawing(DRAWING) != shown.complete_drawing(DRAWING | {"seed": 1})


def test_the_model_is_given_what_was_drawn(shown, monkeypatch):
    given = []

    def forecast(context, num_steps, num_samples, **options):
        given.append(context)
        return np.zeros([num_samples, 1, num_steps, 3])

    monkeypatch.setattr(shown._drawings, "forecast", forecast)
    shown.complete_drawing(DRAWING | {"strokes": [[[10, 10], [60, 11], [110, 10]], [[20, 50], [20, 90]]]})
    ((offsets,),) = given
    np.testing.assert_array_equal(offsets, [[100, 0, 1], [-90, 40, 0], [0, 40, 1]])


def test_digits_keep_the_rows_that_are_given(shown):
    completions = np.array(shown.complete_rows(DIGIT)["completions"])
    assert completions.shape == (2, 8, 8) and set(np.unique(completions)) == {0, 1}
    np.testing.assert_array_equal(completions[:, :3], np.tile(DIGIT["rows"], [2, 1, 1]))
    assert np.shape(shown.complete_rows(DIGIT | {"rows": []})["completions"]) == (2, 8, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strokes": None}, "`strokes` must be a list of strokes, each of points"),
        ({"strokes": [[]]}, "`strokes` must be a list of strokes"),
        ({"strokes": [[[1, 2, 3]]]}, "`strokes` must be a list of strokes"),
        ({"strokes": [[[1, float("nan")]]]}, "`strokes` must be a list of strokes"),
        ({"strokes": [[[1, 10**400]]]}, "`strokes` must be a list of strokes"),
        ({"strokes": [[[1, True]]]}, "`strokes` must be a list of strokes"),
        ({"strokes": [[[1, 2]] * 6000]}, "at most 5000 in all"),
        ({"strokes": [[[x, y] for x in range(0, 500, 10) for y in (0, 400)]]}, "of at most .* points that matter"),
        ({"pen_down": 1}, "`pen_down` must be true or false"),
        ({"num_steps": MAX_STEPS + 1}, "`num_steps` must be at most"),
        ({"num_samples": 0}, "`num_samples` must be an int of at least 1"),
        ({"seed": "x"}, "`seed` must be an int"),
    ],
)
def test_requests_of_drawings_are_checked(shown, change, message):
    with pytest.raises(ValueError, match=message):
        shown.complete_drawing(DRAWING | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [[0] * 7]}, "`rows` must be fewer than 8 rows of 8 numbers, 0 or 1"),
        ({"rows": [[2] * 8]}, "`rows` must be fewer than 8 rows"),
        ({"rows": [[0] * 8] * 8}, "`rows` must be fewer than 8 rows"),
        ({"rows": None}, "`rows` must be fewer than 8 rows"),
        ({"num_samples": 9}, "`num_samples` must be at most 8"),
    ],
)
def test_requests_of_digits_are_checked(shown, change, message):
    with pytest.raises(ValueError, match=message):
        shown.complete_rows(DIGIT | change)
    with pytest.raises(ValueError, match="`request` must be a JSON object"):
        shown.complete_rows([])


@pytest.fixture(scope="module")
def address(shown):
    with PageServer(0, demo.files(), demo.functions(shown)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


@pytest.fixture
def open_page(browser, address):
    """Returns a function: a width -> the page; its `problems` are none in the end."""
    problems, pages = [], []

    def open_page(width):
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.goto(address)
        page.wait_for_selector("#drawing-ways li:nth-child(4)")
        page.wait_for_selector("#digit-ways li:nth-child(6)")
        return page

    open_page.problems = problems
    yield open_page
    for page in pages:
        page.close()
    assert problems == []


@pytest.mark.parametrize("width", [1280, 390])
def test_ways_on_follow_the_pointer(open_page, width):
    page = open_page(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_TOO_WIDE) == []
    assert page.locator("#ways-on-board .way").count() == 0  # nothing is begun
    box = page.locator("#board").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    pen = page.locator("#own polyline").get_attribute("points").split()[-1]
    page.wait_for_selector(f"#ways-on-board .n3 polyline[points^='{pen} ']", state="attached")  # while it is down
    page.mouse.up()
    assert page.locator("#own polyline").count() == 1
    page.wait_for_selector("#drawing-status:has-text('4 ways on')")
    page.locator("#clear").click()
    page.wait_for_selector("#ways-on-board .way", state="detached")
    assert page.locator("#own polyline").count() == 0
    assert page.evaluate(_TOO_WIDE) == []


def test_all_is_done_with_keys_too(open_page):
    page = open_page(1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "board"
    for key in ("Space", *["ArrowRight"] * 5, "Space", "ArrowDown", "Enter", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert [each.get_attribute("points") for each in page.query_selector_all("#own polyline")] == [
        "125,125 145,125 165,125 185,125 205,125 225,125",
        "225,145 225,150",
    ]
    page.keyboard.press("Backspace")
    assert page.locator("#own polyline").count() == 1
    page.wait_for_selector("#ways-on-board .way", state="attached")

    page.locator("#pixels button").first.focus()
    for key in ("ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    cell = page.get_by_label("Row 2, column 2")
    assert cell.get_attribute("aria-pressed") == "false"  # it was set
    page.keyboard.press("Space")
    assert cell.get_attribute("aria-pressed") == "true"
    page.locator("#rows").focus()
    page.keyboard.press("End")
    page.wait_for_selector("#digit-ways line[y1='7']", state="attached")
    assert page.locator("#pixels button:disabled").count() == 8


def test_the_page_says_what_is_wrong(open_page):
    page = open_page(1280)
    page.evaluate("() => { strokes = [[]]; askDrawing(); }")
    page.wait_for_selector("#drawing-status.wrong:has-text('`strokes` must be a list of strokes')")
    assert {"400 (Bad Request)" in problem for problem in open_page.problems} == {True}
    open_page.problems.clear()

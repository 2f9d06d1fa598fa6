"""A headless Chromium that reaches nothing outside, and what pictures and moves take its main thread."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import contextmanager
from statistics import median

from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import sync_playwright

COMMANDS = ["chromium", "chromium-browser", "google-chrome"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
MOVES = 40

# Two frames after what is waited for is there, so that it has been painted.
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
ANSWER = """async ([target, output, x, y]) => {
  const [element, shown] = [document.querySelector(target), document.querySelector(output)];
  const changed = new Promise((done) => new MutationObserver((_, watch) => { watch.disconnect(); done(); })
    .observe(shown, {childList: true, characterData: true, subtree: true}));
  const begin = performance.now();
  element.dispatchEvent(new PointerEvent("pointermove", {clientX: x, clientY: y, bubbles: true}));
  await changed;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begin;
}"""


class Browser:
    """Used in a `with`; `page` gives pages in fresh profiles."""

    def __enter__(self):
        self._playwright = sync_playwright().start()
        path = next(filter(None, map(shutil.which, COMMANDS)))
        self._browser = self._playwright.chromium.launch(executable_path=path, args=FLAGS)
        return self

    def __exit__(self, *error):
        self._browser.close()
        self._playwright.stop()

    @contextmanager
    def page(self, scripts: Mapping[str, str] | None = None):
        """Yield a page; scripts are what addresses that end so are answered with."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.route("**/*", lambda route: answer(route, scripts or {}))
        try:
            yield Page(context.new_page())
        finally:
            context.close()


def answer(route, scripts):
    address = route.request.url
    found = next((text for end, text in scripts.items() if address.endswith(end)), None)
    if found is not None:
        route.fulfill(body=found, content_type="text/javascript")
    elif address.startswith(("file:", "http://127.0.0.1")):
        route.continue_()
    else:
        route.abort()


class Page:
    """A page, and what it takes."""

    def __init__(self, page):
        self.page = page
        self.client = page.context.new_cdp_session(page)
        self.client.send("Performance.enable")

    def wait(self, seconds: float) -> None:
        """Let the page come to rest."""
        self.page.wait_for_timeout(1000 * seconds)

    def opened(self, address: str, selector: str, patience: float, *, settled: bool = False) -> float:
        """Return the seconds from opening to the frame that has an element, all of them where ``settled``."""
        begin = time.perf_counter()
        try:
            self.page.goto(address, timeout=1000 * patience, wait_until="commit")
            self.page.wait_for_selector(selector, timeout=1000 * patience, state="attached")
            while settled and self.changed(selector):
                if time.perf_counter() - begin > patience:
                    raise TimeoutError
            self.page.evaluate(PAINTED)
        except Late:
            raise TimeoutError from None
        return time.perf_counter() - begin

    def changed(self, selector: str) -> bool:
        """Tell whether elements still come."""
        count = f"() => document.querySelectorAll({selector!r}).length"
        before = self.page.evaluate(count)
        self.page.evaluate(PAINTED)
        return self.page.evaluate(count) != before

    def work(self, selector: str, event: str) -> float:
        """Return the median seconds of the main thread for one event, over places of an element."""
        found = []
        for x, y in self.places(selector):
            before = self.busy()
            self.page.evaluate(MOVE, [selector, event, x, y])
            found.append(self.busy() - before)
        return median(found)

    def answer(self, selector: str, output: str) -> float:
        """Return the median seconds from a move of the pointer to the frame after its read-out."""
        return median(
            self.page.evaluate(ANSWER, [selector, output, x, y]) / 1000 for x, y in self.places(selector)
        )

    def places(self, selector: str):
        """Yield places all over the inner part of an element."""
        box = self.page.locator(selector).first.bounding_box()
        for n in range(MOVES):
            across, down = 0.3 + 0.6 * (n * 0.618 % 1), 0.3 + 0.6 * (n * 0.382 % 1)
            yield box["x"] + across * box["width"], box["y"] + down * box["height"]

    def busy(self) -> float:
        """Return the seconds that the main thread has worked."""
        metrics = self.client.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


MOVE = """async ([selector, event, x, y]) => {
  const all = document.querySelectorAll(selector);
  const element = all[event === "mouseover" ? Math.floor(Math.random() * all.length) : 0];
  const deltaY = Math.random() < 0.5 ? 100 : -100;
  const init = {clientX: x, clientY: y, bubbles: true, cancelable: true, deltaY};
  const made = event === "wheel" ? new WheelEvent(event, init)
    : event === "pointermove" ? new PointerEvent(event, init) : new MouseEvent(event, init);
  element.dispatchEvent(made);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
}"""

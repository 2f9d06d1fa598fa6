"""Answers that a served page waits for, until they are let go, and the images that it draws meanwhile."""

import re


class Held:
    """Answers whose addresses match a pattern, held back."""

    def __init__(self, page, pattern):
        self.page, self.routes, self.open = page, [], False
        page.route(re.compile(pattern), self._answer)

    def _answer(self, route):
        if self.open:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self, count=1):
        """Wait until so many were asked for."""
        while len(self.routes) < count:
            self.page.wait_for_timeout(20)

    def let_go(self):
        self.open = True
        for route in self.routes:
            route.continue_()


class Images:
    """Counts the images that are drawn onto canvases."""

    def __init__(self, page, selector):
        self.page = page
        page.evaluate(
            """(selector) => {
                const sheet = CanvasRenderingContext2D.prototype;
                const draw = sheet.drawImage;
                window.images = 0;
                sheet.drawImage = function (...what) {
                    if (this.canvas.matches?.(selector)) window.images++;
                    return draw.apply(this, what);
                };
            }""",
            selector,
        )

    @property
    def count(self):
        return self.page.evaluate("window.images")

    def wait(self, before):
        """Wait until there are more than before; the page evaluates nothing, so not by waiting in it."""
        while self.count <= before:
            self.page.wait_for_timeout(20)

"""A real browser from which nothing outside can be reached, and the page as it is built now."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright
from tests.viewer import chromium

REPOSITORY = Path(__file__).parents[2]
LOOPBACK = {"127.0.0.1", "localhost"}


@pytest.fixture(scope="session")
def built():
    """The folder of the built page, after building it if web/ has changed."""
    subprocess.run([sys.executable, "hatch_build.py"], cwd=REPOSITORY, check=True)
    return REPOSITORY / "src" / "visualizer" / "viewer" / "page"


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, of one file of tests: beside Playwright no other loop of asyncio runs."""
    with sync_playwright() as playwright:
        path = chromium.chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield browser
        browser.close()


class Refused(list):
    """Addresses outside that pages tried to reach, and errors in them that nothing caught."""

    def route(self, home):
        """Let requests to where the page came from pass, and no others."""

        def decide(route):
            address = route.request.url
            if of_one_place(address, home):
                route.continue_()
            else:
                self.append(address)
                route.abort()

        return decide


def of_one_place(address, home):
    asked, from_ = urlsplit(address), urlsplit(home)
    if asked.scheme == "file":
        return address.partition("#")[0] == home.partition("#")[0]
    return asked.hostname in LOOPBACK and asked[:2] == from_[:2]


@pytest.fixture
def refused():
    """What pages tried and may not: a test that is about it empties it, any other fails at its end."""
    refused = Refused()
    yield refused
    assert list(refused) == []


@pytest.fixture
def page_of(built, open_page, tmp_path):
    """Open a run's page at a state of the address."""

    def page_of(run, state="view=head", **options):
        run.to_html(tmp_path / "run.html")
        return open_page(f"{(tmp_path / 'run.html').as_uri()}#{state}", **options)

    return page_of


@pytest.fixture
def open_page(browser, refused):
    """Open a file's or a server's address in a fresh profile, with the options of `Browser.new_context`."""
    contexts = []

    def open_page(address, **options):
        context = browser.new_context(service_workers="block", **options)
        contexts.append(context)
        context.route("**/*", refused.route(address))
        page = context.new_page()
        page.on("pageerror", lambda error: refused.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()

"""The tests of the viewer find a browser, or say what to install: they are never skipped."""

import pytest
from tests.viewer.chromium import chromium, found_on_path


def test_a_browser_on_path_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found_on_path() is None
    (tmp_path / "google-chrome").write_text("#!/bin/sh\n")
    (tmp_path / "google-chrome").chmod(0o755)
    assert chromium("nowhere") == str(tmp_path / "google-chrome")


def test_that_of_playwright_is_taken_where_none_is_on_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium(__file__) == __file__


def test_without_one_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get either
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"install Chromium, or run `python -m playwright install"):
        chromium(str(tmp_path / "none"))

"""A real browser without a window, for the pages that kerascnn makes: Debian's Chromium and its driver."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def open_browser(downloads: Path) -> Iterator[webdriver.Chrome]:
    """Start Chromium; what it downloads goes to a directory, and it can reach no network."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), "")
    driver = shutil.which("chromedriver") or ""
    assert all([browser, driver]), "install Chromium and its driver: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.add_argument("--headless=new")
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # which Chromium refuses to have for root
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options, Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()

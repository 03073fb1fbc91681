"""Pictures of the site for the documentation: `python tests/site/screenshots.py [WORKSPACE]`.

Without a workspace the bundled submissions are scored, and those that run are timed, which takes a sandbox and some
minutes. Needs Chromium and the dependency group `site`. Writes docs/images/<page>-<light or dark>.png.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = REPOSITORY / "docs" / "images"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1200, 800
COLOURS = 64
PAGES = {
    "index": ("index.html", ""),
    "testset": ("text-normalization/starter-en-test.html", ""),
    "pair": ("text-normalization/starter-en-test/*--vs--*.html", ""),
    "segments": ("terminology/starter-en-de-proper/careful-glossary-1.html", "#show=wrong"),
    "timing": ("timing.html", ""),
}
"""By the name of the picture: the first page that fits, and what is chosen on it."""


def main() -> None:
    """Render, look, and write."""
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(sys.argv[1]) if len(sys.argv) > 1 else scored(Path(scratch))
        subprocess.run(harness("leaderboard", workspace), check=True)
        with sync_playwright() as playwright:
            program = next(filter(None, map(shutil.which, PROGRAMS)))
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for name, (pattern, choice) in PAGES.items():
                path = min((workspace / "site").glob(pattern))
                for scheme in ("light", "dark"):
                    picture = Image.open(BytesIO(taken(browser, path.as_uri() + choice, scheme))).convert("RGB")
                    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)  # flat areas and text: half the bytes
                    few.save(IMAGES / f"{name}-{scheme}.png", optimize=True)
            browser.close()


def scored(folder: Path) -> Path:
    """A workspace of the bundled submissions with results and timings; some systems are meant to fail."""
    shutil.copytree(REPOSITORY / "submissions", folder / "submissions")
    subprocess.run([*harness("score", folder), "--backend", "cpu1", "--quick"], check=False)
    return folder


def harness(verb: str, workspace: Path) -> list[str]:
    """The command line of a verb."""
    return [sys.executable, "-m", "harness", verb, "--workspace", str(workspace)]


def taken(browser: Browser, address: str, scheme: str) -> bytes:
    """What a window of the usual size shows."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    picture = page.screenshot()
    context.close()
    return picture


if __name__ == "__main__":
    main()

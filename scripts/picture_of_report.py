"""Take the README's picture: the top of the main job's report, as a browser shows it.

    python scripts/picture_of_report.py

Needs a finished `make run` and Chromium.
"""

import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
REPORT = REPOSITORY / "runs" / "laptop" / "report.html"
PICTURE = REPOSITORY / "docs" / "report.png"
WIDTH, HEIGHT = 920, 1290


def main() -> int:
    """Write docs/report.png."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or not REPORT.exists():
        print(f"needs Chromium ({chromium or 'not found'}) and {REPORT} (`make run`)", file=sys.stderr)
        return 2
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={PICTURE}", REPORT.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

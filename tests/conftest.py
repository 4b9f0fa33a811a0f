"""What every test may rely on: three markers for what a machine may lack, and no silent skips in CI.

A test that needs tshark carries `needs_tshark`, one that needs a browser `needs_chromium`; `make test` installs both
where it can.
A test that reads the recordings beside a checkout carries `needs_shared`; a clone alone does not have them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.chromium import CHROMIUM, Browser

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Recorded cases and public captures, where they stand beside the checkout."""

# Examples that are the same in every run: no test hangs on luck. `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", max_examples=10_000, deadline=None)
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

_SKIPS_FORBIDDEN = bool(os.environ.get("FEDTRACE_FORBID_SKIPS"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose marker names something that is missing here is skipped, with what to do about it."""
    if item.get_closest_marker("needs_tshark") and shutil.which("tshark") is None:
        pytest.skip("tshark is not installed; `make test` installs it where it can")
    if item.get_closest_marker("needs_chromium") and CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test` installs it where it can")
    if item.get_closest_marker("needs_shared") and not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With FEDTRACE_FORBID_SKIPS set, a skipped test fails, unless it may: the recordings are not part of a clone."""
    report = yield
    excused = hasattr(report, "wasxfail") or item.get_closest_marker("needs_shared")
    if _SKIPS_FORBIDDEN and report.skipped and not excused:
        report.outcome = "failed"
        reason = call.excinfo.value if call.excinfo else "no reason given"
        report.longrepr = f"{item.nodeid} was skipped, which FEDTRACE_FORBID_SKIPS forbids: {reason}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-goldens` writes what is expected anew: Markdown cases, pictures, the first page."""
    parser.addoption("--update-goldens", action="store_true", help="write the expectations of Markdown cases anew")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Markdown files in `formats/`, `rules/` and `sessions/` are tests."""
    if file_path.suffix == ".md" and file_path.parent.name in ("formats", "rules", "sessions"):
        from tests.markdown_cases import MarkdownFile

        return MarkdownFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests."""
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    """A capture in which cupdomain.com reaches gmail.com."""
    path = tmp_path / "healthy.pcap"
    from tests.command import HEALTHY

    path.write_bytes(HEALTHY)
    return path


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """A capture in which gmail.com knows no gmail.com."""
    path = tmp_path / "refused.pcap"
    from tests.command import REFUSED

    path.write_bytes(REFUSED)
    return path

"""What the figures were measured on, and with which versions. Knows nothing of the figures."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


def _first_match(path: str, pattern: str) -> str:
    """What a file of the kernel says, or "unknown"."""
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else "unknown"


def _program(name: str) -> str:
    """A program's own version, from the first line that it prints of it."""
    if shutil.which(name) is None:
        return "missing"
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout + said.stderr)
    return found[0] if found else "unknown"


def described() -> Iterator[str]:
    """The machine and the programs, a line each."""
    memory = _first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)")
    gigabytes = f"{int(memory) * 1024 / 1e9:.0f} GB" if memory.isdigit() else "unknown memory"
    model = _first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)$")
    yield f"{model}, {os.cpu_count()} processors, {gigabytes}, {platform.platform()}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    yield f"Python {platform.python_version()}{load}"
    packages = (f"{name} {importlib.metadata.version(name)}" for name in ("fedtrace", "numpy", "pyshark"))
    programs = (f"{name} {_program(name)}" for name in ("tshark", "tcpdump"))
    yield ", ".join([*packages, *programs])

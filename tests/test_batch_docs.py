"""The examples in `docs/batch/` are what systemd and Kubernetes can read, and `docs/batch.md` is what Python can.

No daemon and no cluster is asked: what only these can tell is told in docs/batch.md as not tried.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "batch.md").read_text(encoding="utf-8")
CRON = (DOCS / "batch" / "cronjob.yaml").read_text(encoding="utf-8")


def unit(name: str) -> configparser.ConfigParser:
    """A unit file; a setting that stands twice, or outside of a section, is an error."""
    found = configparser.ConfigParser(interpolation=None, delimiters="=", comment_prefixes="#")
    found.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    found.read_string((DOCS / "batch" / name).read_text(encoding="utf-8"))
    return found


def script() -> str:
    """The shell lines of the CronJob: what stands deeper than the `|` before them."""
    lines = CRON.partition("- |\n")[2].splitlines()
    depth = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[depth:] for line in lines[: [len(x) - len(x.lstrip()) < depth for x in lines].index(True)])


def test_the_service_is_a_run_that_takes_a_failing_pair_for_an_answer() -> None:
    """The timer starts it by its name."""
    service, timer = unit("fedtrace-batch.service"), unit("fedtrace-batch.timer")

    assert service.sections() == ["Unit", "Service"]
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ExecStart"].startswith("/opt/fedtrace/bin/fedtrace batch /srv/captures --out ")
    assert service["Service"]["SuccessExitStatus"] == "1 3 143"
    assert timer.sections() == ["Unit", "Timer", "Install"]
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d UTC", timer["Timer"]["OnCalendar"])
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_cron_job_is_yaml() -> None:
    """Whole where a reader of YAML is installed; else line by line."""
    assert "\t" not in CRON
    for line in CRON.replace(script(), "").splitlines():
        assert (len(line) - len(line.lstrip())) % 2 == 0, line
    if importlib.util.find_spec("yaml") is None:
        return
    job: dict[str, Any] = importlib.import_module("yaml").safe_load(CRON)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["command"][:2] == ["/bin/sh", "-c"]
    assert container["command"][2].strip() == script().strip()
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 0), (2, 2), (3, 0), (4, 4)])
def test_a_failing_pair_does_not_fail_the_job(tmp_path: Path, code: int, ends: int) -> None:
    """Kubernetes would run it again, and come to the same."""
    stub = tmp_path / "fedtrace"
    stub.write_text(f"#!/bin/sh\nexit {code}\n")
    stub.chmod(0o755)
    ran = subprocess.run(["/bin/sh", "-c", script()], env={"PATH": str(tmp_path)}, check=False)

    assert ran.returncode == ends


def test_a_pod_that_is_evicted_ends_its_run(tmp_path: Path) -> None:
    """Kubernetes asks the shell to end, which asks fedtrace, and waits until it has put everything in order."""
    stub = tmp_path / "fedtrace"
    stub.write_text(
        "#!/bin/sh\ntrap 'echo ended > ended; exit 143' TERM\necho begun > begun\nwhile :; do sleep 0.01; done\n"
    )
    stub.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    ran = subprocess.Popen(["/bin/sh", "-c", script()], env={"PATH": path}, cwd=tmp_path)
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    ran.terminate()

    assert ran.wait() == 143
    assert (tmp_path / "ended").exists()


def test_the_page_leads_somewhere_and_its_python_is_python() -> None:
    """Links to files are links to files."""
    links = re.findall(r"\]\((?!https:)([^)#]+)", PAGE)

    assert {"batch/fedtrace-batch.service", "batch/fedtrace-batch.timer", "batch/cronjob.yaml"} <= set(links)
    assert [link for link in links if not (DOCS / link).is_file()] == []
    snippets = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert snippets
    for snippet in snippets:
        ast.parse(snippet)

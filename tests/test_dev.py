"""dev.py: whatever stands in the way of setting up is one line that says what to do."""

from __future__ import annotations

import ast
import os
import runpy
import shutil
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pip
import pytest

from app.config import ROOT

DEV = ROOT / "dev.py"


def refused(*command: str, dev: Path = DEV, **environment: str) -> str:
    """What dev.py says where it stops: one line."""
    done = subprocess.run(
        [sys.executable, str(dev), *command],
        cwd=dev.parent, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def test_an_old_python_can_read_it_and_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ast.parse(DEV.read_text(encoding="utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    monkeypatch.setattr(sys, "argv", ["dev.py", "run"])
    monkeypatch.setenv("PATH", "")  # no newer Python to hand over to
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(DEV), run_name="__main__")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("dev.py: Python 3.11 or newer is needed; this is ")
    assert len(said.splitlines()) == 1


def test_without_a_network_set_up_says_so(tmp_path: Path) -> None:
    shutil.copy(DEV, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    # An environment as set-up makes it, but for pip, which takes seconds to unpack: it is lent.
    venv.create(tmp_path / ".venv", symlinks=True)
    (tmp_path / ".venv" / ".python").write_text(sys.version, encoding="ascii")
    (tmp_path / "lent").mkdir()
    (tmp_path / "lent" / "pip").symlink_to(Path(pip.__file__).parent)
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1",
        "PYTHONPATH": str(tmp_path / "lent"),
    }  # fmt: skip
    said = refused("content", dev=tmp_path / "dev.py", **nowhere, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
    assert said.startswith("dev.py: packages could not be installed: no network? Set-up needs it once")


def test_a_port_that_is_none() -> None:
    assert refused("run", "--port", "99999") == "dev.py: port 99999 is not between 0 and 65535"


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("run", "--port", str(port))
    assert said == f"dev.py: port {port} on 127.0.0.1 is taken; try --port {port + 1}"


def test_a_host_that_is_not_known() -> None:
    assert refused("run", "--host", "no.such.host.invalid").endswith("host no.such.host.invalid is not known")

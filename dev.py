#!/usr/bin/env python3
"""The one way in: python3 dev.py run | test | lint | bench | content.

Standard library only. Each command makes what it needs (.venv, packages, front end) and goes;
a second time it finds everything in place and starts at once.
"""
# This file must parse on an old Python, so that an old Python is told so in one line.

import argparse
import hashlib
import os
import platform
import shutil
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
LOCKS = os.path.join(ROOT, "requirements")
LOG = os.path.join(VENV, "setup.log")
VENDOR = os.path.join(ROOT, "static", "vendor")
NEEDS = (3, 11)
# PyTorch's own index of CPU builds, asked only where the default index has no CPU wheel of our hash.
TORCH_INDEX = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
LINTS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import-linter", ["-c", "from importlinter.cli import lint_imports_command as main; main()"]),
    ("Dockerfile and compose", ["-m", "tests.lint_docker"]),
)


class Stop(Exception):
    """Something the reader can mend; its text is the one line they see."""


def say(text: str) -> None:
    print(text, flush=True)


# -- what is there already ------------------------------------------------------


def digest(*names: str) -> str:
    """A digest of the files a step depends on, and of this Python."""
    seen = hashlib.sha256(sys.version.encode())
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as file:
            seen.update(file.read())
    return seen.hexdigest()


def done(step: str, mark: str) -> bool:
    try:
        with open(os.path.join(VENV, "." + step), encoding="ascii") as file:
            return file.read() == mark
    except OSError:
        return False


def remember(step: str, mark: str) -> None:
    with open(os.path.join(VENV, "." + step), "w", encoding="ascii") as file:
        file.write(mark)


# -- the steps of set-up ---------------------------------------------------------


def call(command: "list[str]", failure: str, env: "dict[str, str] | None" = None) -> None:
    """Run one command with its output in the log; raise Stop(failure) with the likely cause."""
    with open(LOG, "a", encoding="utf-8") as log:
        log.write("\n$ %s\n" % " ".join(command))
        log.flush()
        start = log.tell()
        try:
            code = subprocess.call(command, cwd=ROOT, stdout=log, stderr=log, env=env)
        except OSError as error:
            raise Stop("%s: %s" % (failure, error))
    if code == 0:
        return
    with open(LOG, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        tail = log.read()
    signs = (
        "Could not connect",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ETIMEDOUT",
        "Network is unreachable",
        "Temporary failure in name resolution",
        "NewConnectionError",
        "ConnectTimeoutError",
        "Name or service not known",
        "Failed to establish a new connection",
        "Max retries exceeded",
        "ProxyError",
        "Connection refused",
    )
    why = (
        "no network? Set-up needs it once"
        if any(sign in tail for sign in signs)
        else "the last lines say why"
    )
    raise Stop("%s: %s (full output: %s)" % (failure, why, os.path.relpath(LOG, ROOT)))


def pip(*arguments: str) -> "list[str]":
    return [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
    ] + list(arguments)


def lock(name: str) -> str:
    return os.path.join(LOCKS, name)


def make_venv() -> None:
    if os.path.exists(PYTHON) and done("python", sys.version):
        return
    say("  making .venv with Python %s" % platform.python_version())
    if os.path.isdir(VENV):
        shutil.rmtree(VENV)
    try:
        subprocess.check_output([sys.executable, "-m", "venv", VENV], stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop(
            "this Python cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv"
        )
    remember("python", sys.version)


def install_packages(which: str) -> None:
    mark = digest("requirements/%s.lock" % which)
    if done("packages", mark) or (which == "base" and done("packages", digest("requirements/dev.lock"))):
        return
    say("  installing packages (%s.lock)" % which)
    call(pip("-r", lock(which + ".lock")), "packages could not be installed")
    remember("packages", mark)


def install_torch() -> None:
    mark = digest("requirements/torch.lock")
    if done("torch", mark):
        return
    say("  installing torch, CPU build (about 190 MB)")
    try:
        # The hashes admit CPU wheels only: a CUDA build is refused before it is unpacked.
        call(pip("-r", lock("torch.lock")), "torch could not be installed")
    except Stop:
        try:
            call(
                pip("--index-url", TORCH_INDEX, "-r", lock("torch.lock")),
                "torch's CPU build could not be installed",
            )
        except Stop as stop:
            if sys.version_info[:2] != NEEDS:
                raise Stop(
                    "torch.lock may hold no wheel for Python %s; try Python 3.11" % platform.python_version()
                )
            raise Stop("%s; TORCH_INDEX=URL names another index" % stop)
    remember("torch", mark)


def install_front_end() -> None:
    mark = digest("package-lock.json", "app/web/fonts.py")
    if done("front", mark) and os.path.isdir(VENDOR):
        return
    say("  fetching the front end's packages")
    npm = shutil.which("npm")
    env = dict(os.environ)
    if npm is None:
        call(pip("-r", lock("node.lock")), "npm is missing and could not be installed")
        npm = os.path.join(BIN, "npm")
        env["PATH"] = BIN + os.pathsep + env.get("PATH", "")
    call([npm, "ci", "--ignore-scripts"], "the front end's packages could not be installed", env=env)
    os.makedirs(VENDOR, exist_ok=True)
    shutil.copyfile(
        os.path.join(ROOT, "node_modules", "htmx.org", "dist", "htmx.min.js"),
        os.path.join(VENDOR, "htmx.min.js"),
    )
    call(
        [PYTHON, "-m", "app.web.fonts", os.path.join(VENDOR, "stix-two-math.woff2")],
        "the maths font could not be made",
    )
    remember("front", mark)


def set_up(which: str) -> None:
    """Everything a command needs; quick where it is there already."""
    began = time.time()
    make_venv()
    install_packages(which)
    install_torch()
    install_front_end()
    spent = time.time() - began
    if spent > 2:
        say("  ready after %.0f s" % spent)


# -- the commands -----------------------------------------------------------------


def port_is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise Stop("port %d is not between 0 and 65535" % port)
        except PermissionError:
            raise Stop("port %d needs more rights; try --port 8000" % port)
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise Stop("host %s is not known" % host)
            return False
    return True


def run(rest: "list[str]") -> int:
    parser = argparse.ArgumentParser(prog="dev.py run", description="Set up and start Mendao.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--data", default=os.path.join(ROOT, "data"), help="folder for answers and the secret key"
    )
    options = parser.parse_args(rest)
    if options.port and not port_is_free(options.host, options.port):
        raise Stop("port %d on %s is taken; try --port %d" % (options.port, options.host, options.port + 1))
    say("Mendao: setting up")
    set_up("base")
    say("  starting the server")
    command = [PYTHON, "-m", "app.main", "--host", options.host, "--port", str(options.port)]
    return go(command + ["--data", os.path.abspath(options.data)])


def go(command: "list[str]") -> int:
    """Hand over to `command`: its output is ours, Ctrl-C reaches it, its exit code is ours."""
    if os.name != "nt":
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.call(command, cwd=ROOT)


def test(rest: "list[str]") -> int:
    set_up("dev")
    names = ("chromium-headless-shell", "chromium")
    if not (os.environ.get("MENDAO_CHROMIUM") or any(map(shutil.which, names))):
        say(
            "  no chromium found: browser tests will be skipped (Debian: apt install chromium fonts-noto-cjk)"
        )
    return go([PYTHON, "-m", "pytest"] + rest)


def lint(_rest: "list[str]") -> int:
    set_up("dev")
    failed = [name for name, command in LINTS if subprocess.call([PYTHON] + command, cwd=ROOT)]
    failed += ["content"] if subprocess.call([PYTHON, "-m", "app.content", "check"], cwd=ROOT) else []
    if failed:
        raise Stop("lint: %s" % ", ".join(failed))
    return 0


def bench(rest: "list[str]") -> int:
    set_up("dev")
    return go([PYTHON, "-m", "tests.bench"] + rest)


def content(rest: "list[str]") -> int:
    set_up("base")
    return go([PYTHON, "-m", "app.content"] + (rest or ["check"]))


COMMANDS = {"run": run, "test": test, "lint": lint, "bench": bench, "content": content}


def use_newer_python() -> None:
    """Start again with a newer Python on the PATH where this one is too old."""
    for name in ("python3.11", "python3.12", "python3.13"):
        found = shutil.which(name)
        if found:
            os.execv(found, [found, os.path.abspath(__file__)] + sys.argv[1:])
    raise Stop("Python 3.11 or newer is needed; this is %s" % platform.python_version())


def main() -> int:
    try:
        if sys.version_info[:2] < NEEDS:
            use_newer_python()
        if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
            say(__doc__.strip())
            return 0 if sys.argv[1:2] in ([], ["help"], ["-h"], ["--help"]) else 2
        return COMMANDS[sys.argv[1]](sys.argv[2:])
    except Stop as stop:
        print("dev.py: %s" % stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""Imported by each worker before it takes work: torch is loaded and every kernel touched once."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import importlib

if os.environ.get("MENDAO_COLD_WORKERS") != "1":  # tests of the engine alone need no torch
    network = importlib.import_module("app.network")
    network.prepare_process()
    network.warm()
importlib.import_module("app.runs.lookup").demos()
if hasattr(os, "nice") and os.environ.get("MENDAO_EAGER_WORKERS") != "1":  # tests fill the cores themselves
    os.nice(10)  # once warm: pages come first where web process and workers share the cores

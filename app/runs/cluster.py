"""Reaching Dask: a cluster of our own beside the web process, or somebody's scheduler. One code path above.

All of the web process that imports Dask stands here and below; the engine imports it once pages can be served.
"""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed import utils as distributed_utils

from app.runs import nursery
from app.runs.queue import TOPIC, QueuePlugin
from app.runs.task import execute

__all__ = ["TOPIC", "execute", "reach"]

SETTINGS: dict[str, Any] = {
    "distributed.scheduler.worker-saturation": 1.0,  # an exact queue: nothing waits bound to a busy worker
    "distributed.scheduler.allowed-failures": 3,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.low-level-log-length": 4000,  # caps events a topic and sizes each comm's buffer
    "distributed.worker.profile.enabled": False,
    "distributed.worker.daemon": True,
    "distributed.comm.timeouts.connect": "10s",
    "distributed.worker.multiprocessing-method": nursery.METHOD,
    "distributed.nanny.pre-spawn-environ": nursery.THREADS,
}


async def reach(scheduler: str | None, workers: int) -> tuple[LocalCluster | None, Client]:
    """(the cluster if it is ours, a client); returns when every local worker is warm.

    Raises OSError or TimeoutError where a given scheduler cannot be reached.
    """
    dask.config.set(SETTINGS)
    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "tornado.application"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # An event that was on its way when its run was let go is no error.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    cluster = None
    if scheduler is None:
        # Else Dask would import every optional package, pandas among them, to have the nursery load them too.
        distributed_utils._forkserver_preload_set = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ports and dashboards that we do not use
            cluster = await LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                asynchronous=True,
                host="127.0.0.1",
                memory_limit=0,  # the nanny would kill workers that hold torch
                dashboard_address=None,
                silence_logs=logging.ERROR,
                preload=["app.runs.preload"],
                env={
                    name: os.environ[name]
                    for name in ("MENDAO_EXTRA_DEMOS", "MENDAO_COLD_WORKERS")
                    if name in os.environ
                },
            )
    client = await Client(cluster or scheduler, asynchronous=True, set_as_default=False, name="mendao-web")
    await client.register_plugin(QueuePlugin())
    if cluster is not None:
        await client.wait_for_workers(workers)
    return cluster, client

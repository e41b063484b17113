"""Work in pieces on the workers of a dask cluster, or here; whichever, with the same bits.

Each piece runs with one thread and alone in its process. What all pieces need goes to every worker
once, as bytes that are unpacked there, so that memory is laid out alike everywhere. The pieces of a
worker that dies are run on another one; if what they need died with it, it is sent again.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import multiprocessing
import pickle
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, TypeVar

from hsgd.machine import threads

Task = TypeVar("Task")
Result = TypeVar("Result")

ROUNDS = 5
"""Times that what is lost with all workers is sent out anew."""


class Payload:
    """What all pieces need: bytes on the way, unpacked once in every process that uses it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[type[Payload], tuple[bytes]]:
        return Payload, (self._content,)

    @cached_property
    def work(self) -> Callable[[Any], Any]:
        """The function that a piece is given to."""
        work: Callable[[Any], Any] = pickle.loads(self._content)
        return work


def _on_worker(payload: Payload, task: Any) -> Any:
    with threads.alone():
        return payload.work(task)


def check_client(client: Any) -> None:
    """Refuse what is no dask client.

    Raises
    ------
    TypeError
        With the remedy.
    """
    if not all(hasattr(client, name) for name in ("submit", "scatter", "gather", "nthreads")):
        raise TypeError(
            f"client is a {type(client).__name__}: pass a distributed.Client, or leave it out to "
            "use the cores of this machine."
        )


@contextmanager
def workers(client: Any, num_tasks: int) -> Iterator[Any]:
    """The client to use: the caller's; one of a new `LocalCluster`; or None for this process.

    Parameters
    ----------
    client
        A `distributed.Client`; None for a worker process per core; False for this process.
    num_tasks
        How many tasks there are: no more workers are started.

    Warns
    -----
    UserWarning
        If `distributed` is needed and not there; the work is then done in this process.
    """
    if client is not None and client is not False:
        yield client
        return
    count = min(threads.available(), num_tasks)
    if client is False or count < 2:
        yield None
        return
    if importlib.util.find_spec("distributed") is None:
        warnings.warn(
            "this runs on one core, in this process: for all cores pip install "
            "'hsgd[distributed]', or pass client=False to say that one is enough.",
            UserWarning,
            stacklevel=4,
        )
        yield None
        return
    distributed: Any = importlib.import_module("distributed")
    with (
        _local_cluster(count) as cluster,
        distributed.Client(cluster, set_as_default=False) as local,
    ):
        yield local


def _local_cluster(count: int) -> Any:
    """Worker processes of one thread each on this machine.

    Raises
    ------
    RuntimeError
        If they do not start, as in a script that would start others for each of them.
    """
    remedy = (
        "worker processes read the script that starts them: put the call of hsgd.sweep under "
        "`if __name__ == '__main__':`, or pass client=False to use this process alone."
    )
    # True in a child that is still importing its parent's script: it has come to the very call that
    # started it, and would start children of its own, without end.
    starting = getattr(multiprocessing.current_process(), "_inheriting", False)
    if multiprocessing.parent_process() is not None and starting:
        raise RuntimeError(remedy)
    distributed: Any = importlib.import_module("distributed")
    single = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    try:
        return distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            dashboard_address=":0",  # any free port: the usual one warns when it is taken
            env=single,
            silence_logs=logging.CRITICAL,  # what matters is raised, or made up for
        )
    except RuntimeError as error:
        raise RuntimeError(f"no workers could be started ({error}); {remedy}") from error


def compute(
    client: Any, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> Generator[tuple[int, Result], None, None]:
    """`work(task)` for all tasks, with their numbers, in the order in which they are done.

    Raises
    ------
    Exception
        What the work raises; other tasks are then cancelled.
    RuntimeError
        If workers die again and again.
    """
    if client is None:
        for index, task in enumerate(tasks):
            with threads.alone():
                result = work(task)
            yield index, result
        return
    # Cloudpickle packs functions of the user's script, which pickle does not. Packed here, once, so
    # that every round sends the same bytes.
    cloudpickle: Any = importlib.import_module("cloudpickle")
    content = cloudpickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL)
    left = dict(enumerate(tasks))
    for _ in range(ROUNDS):
        for index, result in _one_round(client, content, left):
            del left[index]
            yield index, result
        if not left:
            return
    raise RuntimeError(
        f"{ROUNDS} times all workers were dead or away while {len(left)} pieces were left: see "
        "that they are there and have enough memory, or pass client=False."
    )


def _one_round(
    client: Any, content: bytes, tasks: dict[int, Any]
) -> Generator[tuple[int, Any], None, None]:
    """What can be computed before what all tasks need is lost."""
    distributed: Any = importlib.import_module("distributed")
    try:
        payload = client.scatter(Payload(content), broadcast=True, hash=False)
    except (OSError, KeyError):
        return  # workers died while it was sent, or none has come back yet
    # Not pure: dask would take two tasks with equal arguments for one, and an old result for a new.
    futures = {
        client.submit(_on_worker, payload, task, pure=False): index for index, task in tasks.items()
    }
    try:
        for future in distributed.as_completed(list(futures), loop=client.loop):
            if future.cancelled() or future.status == "lost":
                continue  # its payload died with the workers that held it: left for the next round
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                raise RuntimeError(
                    "a piece was given up, because every worker that took it died, probably for "
                    f"lack of memory: give workers more of it ({error})"
                ) from error
            yield futures.pop(future), result
    finally:
        # On every way out, also when the caller stops asking; what is done has been taken out.
        with suppress(Exception):
            client.cancel(list(futures))

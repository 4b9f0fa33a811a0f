"""Maps: the same work here, in processes of this machine, or on an existing Dask cluster.

A worker that dies is survived. The only place that knows processes and clusters; knows nothing of the work.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import connection, forkserver, get_context, parent_process, resource_tracker
from tempfile import gettempdir
from typing import Any

from analyzer.batch.remote import shown, without_secrets
from analyzer.batch.run import Map, Work
from analyzer.batch.work import Done, Job, lost
from parsers.errors import FedtraceError
from parsers.scratch import remove_own

TRIES = 3
"""How often a case is given to a worker that dies of it."""
AHEAD = 4_096
"""Jobs that a cluster is given before the first is done: more than it has workers, and not a million."""
ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals that end a run."""
DIED = f"the worker that read it died {TRIES} times; it may want more memory than there is"


def local(workers: int, apart: bool = False) -> Map:
    """In this process, or in so many of this machine; where they are to be `apart`, in one other at least."""
    return _here if workers == 1 and not apart else partial(_processes, workers)


def dask_map(address: str) -> Map:
    """On the Dask cluster whose scheduler is there; its workers see the same files under the same names.

    Raises FedtraceError where it cannot be reached, or distributed is not installed.
    """
    return partial(_cluster, address)


def _here(work: Work, jobs: Iterable[Job]) -> Iterable[Done]:
    return map(work, jobs)


def _processes(workers: int, work: Work, jobs: Iterable[Job]) -> Iterator[Done]:
    """A death breaks a whole pool: who was being worked on is suspect, and is tried again, alone."""
    coming, suspects = iter(jobs), deque[Job]()
    waiting = deque(islice(coming, workers))
    deaths: dict[str, int] = {}
    answered: list[Done] = []

    def submit(job: Job) -> Future[Done]:
        with _undisturbed():
            return pool.submit(work, job)

    while waiting or suspects:
        running: dict[Future[Done], Job] = {}
        with _pool(1 if suspects else min(workers, len(waiting))) as pool:
            try:
                while waiting or suspects or running:
                    alone = bool(suspects) and not running
                    # A pool that is broken takes no job, which then still waits.
                    if alone:
                        given = submit(suspects[0])
                        running[given] = suspects.popleft()
                    while not alone and not suspects and waiting and len(running) < workers:
                        given = submit(waiting[0])
                        running[given] = waiting.popleft()
                        waiting.extend(islice(coming, 1))
                    # What came is told while they work on the next.
                    while answered:
                        yield answered.pop()
                    ended, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        answered.append(future.result())
                        del running[future]
                    if alone and not suspects:
                        break  # to a pool of all workers again
            except BrokenProcessPool:
                for job in running.values():
                    stem = job.task.stem
                    deaths[stem] = deaths.get(stem, 0) + 1
                    if deaths[stem] < TRIES:
                        suspects.append(job)
                    else:
                        yield lost(job, DIED)
    yield from answered


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are born of a clean one: ours may have threads, which a fork does not bear.

    Where it is left by an exception, nobody waits for what they are working on.
    """
    # Else a worker looks for modules where the run was begun first, and an archive is a hostile place to begin one.
    os.environ["PYTHONSAFEPATH"] = "1"
    context = get_context("forkserver")
    context.set_forkserver_preload(["analyzer.batch.results", "analyzer.analysis", "parsers.case"])
    _begin_server()
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours, ProcessPoolExecutor(workers, context, _end_with_run, (theirs,)) as pool:
        try:
            yield pool
        except BaseException:
            ours.close()
            raise


def _begin_server() -> None:
    """Start what workers are born of. Ctrl-C on a terminal, which all are told, is for the run: it waits here until the
    server stands, and does not reach that or who is born of it, since what is blocked here stays blocked there.

    Raises FedtraceError where it cannot be started.
    """
    resource_tracker.ensure_running()  # the server would start it, and it lets in what was blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    except OSError as error:
        what = f"no worker can be started with a socket in there ({error.strerror or error})"
        raise FedtraceError(gettempdir(), what, "set TMPDIR to a shorter path, or leave out --workers") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """In here Ctrl-C and SIGTERM wait: a worker that is born when its run has gone finds nothing, and says so at
    length. They wait as long as the imports of the first worker take, a second.
    """
    if not _on_main_thread():
        yield
        return
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])


def _on_main_thread() -> bool:
    """Whether signals are ours to handle."""
    return threading.current_thread() is threading.main_thread()


def _end_with_run(run: connection.Connection) -> None:
    """A worker whose run has ended goes on for nobody, and would wait for ever."""
    parent = parent_process()
    if parent is not None:
        ending = threading.Lock()

        def end() -> None:
            with ending:  # whoever comes second waits for the first, who ends both
                remove_own()
                os._exit(1)

        def asked(*_: object) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end()

        def watch() -> None:
            connection.wait([parent.sentinel, run])
            end()

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, asked)
        threading.Thread(target=watch, daemon=True).start()


def _cluster(address: str, work: Work, jobs: Iterable[Job]) -> Iterator[Done]:
    """Dask itself gives the work of a dead worker to another."""
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        raise FedtraceError(
            f"--scheduler {shown(address)}", "dask.distributed is not installed", "pip install 'fedtrace[batch]'"
        ) from None
    if not re.search(r"(^inproc://|:\d+$)", address):  # the client waits a minute for its own end
        raise FedtraceError(f"--scheduler {shown(address)}", "it names no port", "write tcp://10.0.0.9:8786")
    try:
        client: Any = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        said = without_secrets(str(error), address)
        raise FedtraceError(
            f"--scheduler {shown(address)}", f"no scheduler answers ({said})", "check the address"
        ) from None
    with client:
        coming = iter(jobs)
        running = {client.submit(work, job, pure=False): job for job in islice(coming, AHEAD)}
        ended = as_completed(list(running), loop=client.loop)
        for future in ended:
            job = running.pop(future)
            for further in islice(coming, 1):
                given = client.submit(work, further, pure=False)
                running[given] = further
                ended.add(given)
            yield lost(job, DIED) if _died(future) else future.result()


def _died(future: Any) -> bool:
    """Whether too many workers died of it."""
    return future.status == "error" and type(future.exception()).__name__ == "KilledWorker"

"""The stages on Ray: the bytes of the local executor, also while workers and a node die; nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dedup_corpus
import pytest

from corpus.base.errors import InputError
from corpus.base.executor import Executor
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup.settings import DedupSettings
from corpus.dedup.stages import tasks

ray = pytest.importorskip("ray", reason="needs the extra cluster (Ray)")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]
SETTINGS = DedupSettings(threshold=0.6, bands=24, rows=4)
ROWS = dedup_corpus.documents(groups=6)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head of one CPU and a node of another, on this machine."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    folders = [str(Path(dedup_corpus.__file__).parent)]
    former = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, *filter(None, sys.path)])
    store = {"object_store_memory": 80 << 20, "num_cpus": 1}
    made = Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False})
    made.node_arguments = store
    made.second = made.add_node(**store)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()
    if former is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = former


def search(workspace: Workspace, executor: Executor) -> dict[str, str]:
    """Run all stages; the hash of every file they made."""
    for stage in tasks(workspace, SETTINGS):
        run_tasks(workspace, stage, executor=executor)
    return dedup_corpus.hashes(workspace)


def test_ray_gives_the_bytes_of_local(cluster: Any, tmp_path: Path) -> None:
    """Every file of every stage, ledger included, is the same."""
    rows = dedup_corpus.documents(groups=2)
    local = search(dedup_corpus.workspace(tmp_path / "local", rows), Executor())
    assert search(dedup_corpus.workspace(tmp_path / "ray", rows), Executor("ray", address=cluster.address)) == local
    assert len(local) > 10


def test_workers_and_a_node_die_and_nothing_is_lost(cluster: Any, tmp_path: Path) -> None:
    """Three workers killed in the middle of their unit, then a whole node: the same files."""
    whole = dedup_corpus.workspace(tmp_path / "whole", ROWS)
    run_tasks(whole, dedup_corpus.slow_tasks(whole))
    made = dedup_corpus.workspace(tmp_path / "killed", ROWS)
    marks = tmp_path / "marks"
    marks.mkdir()

    def fell() -> None:
        until = time.monotonic() + 60
        while len(list(marks.iterdir())) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        cluster.remove_node(cluster.second, allow_graceful=False)
        (tmp_path / "fallen").touch()

    thread = threading.Thread(target=fell)
    thread.start()
    work = dedup_corpus.slow_tasks(made, "dies_thrice", marks=str(marks))
    report = run_tasks(made, work, executor=Executor("ray", address=cluster.address))
    thread.join()
    cluster.second = cluster.add_node(**cluster.node_arguments)
    assert len(list(marks.iterdir())) == 3
    assert (tmp_path / "fallen").exists()
    assert report.done == len(work)
    assert dedup_corpus.hashes(made) == dedup_corpus.hashes(whole)


def test_an_error_of_a_unit_comes_through_as_it_is(cluster: Any) -> None:
    """One line and its own class, not Ray's account of another process."""
    with pytest.raises(InputError, match=r"^what and where$"):
        list(Executor("ray", address=cluster.address).run(dedup_corpus.refuse, [1]))


DRIVER = """
import sys
from pathlib import Path
import dedup_corpus
from corpus.base.executor import Executor
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
if __name__ == "__main__":
    made = Workspace(sys.argv[1])
    run_tasks(made, dedup_corpus.slow_tasks(made), executor=Executor("ray", address=sys.argv[2]))
"""


def test_a_killed_driver_is_run_again(cluster: Any, tmp_path: Path) -> None:
    """Kill -9 of the driver: the same call finishes, with the same bytes."""
    whole = dedup_corpus.workspace(tmp_path / "whole", ROWS)
    work = dedup_corpus.slow_tasks(whole)
    run_tasks(whole, work)
    made = dedup_corpus.workspace(tmp_path / "killed", ROWS)
    (tmp_path / "driver.py").write_text(DRIVER)
    command = [sys.executable, str(tmp_path / "driver.py"), str(made.root), cluster.address]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as child:
        until = time.monotonic() + 90
        while len(made.shards("copied")) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert len(made.shards("copied")) >= 3
    run_tasks(made, dedup_corpus.slow_tasks(made), executor=Executor("ray", address=cluster.address))
    assert dedup_corpus.hashes(made) == dedup_corpus.hashes(whole)

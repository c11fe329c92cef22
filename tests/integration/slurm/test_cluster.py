"""The cluster of the tests itself."""

from __future__ import annotations

import pytest

from tests.integration.server.conftest import until

pytestmark = pytest.mark.extended


def test_slurm_runs_a_batch_job_on_each_node_and_keeps_its_final_state(slurm_cluster, tmp_path):
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\nsleep 1; exit 3\n")
    jobs = [
        slurm_cluster.call(
            "sbatch", "--parsable", "--exclusive", f"--output={tmp_path}/%j.txt", str(script)
        )
        for _ in slurm_cluster.NODES
    ]
    nodes = set()

    def states() -> list[str]:
        rows = slurm_cluster.call(
            "squeue", "--states=all", "--noheader", f"--jobs={','.join(jobs)}", "--format=%T %N"
        )
        pairs = [row.split() for row in rows.splitlines()]
        nodes.update(pair[1] for pair in pairs if len(pair) > 1)
        return [pair[0] for pair in pairs]

    until(lambda: states() == ["FAILED"] * len(jobs), "the jobs to fail")
    assert nodes == {*slurm_cluster.NODES}

"""Print the threads of a task: ``python -m inductiva_widgets.server.slurm.node_top TASK_FOLDER``.

Run on the compute node of the task.
"""

from __future__ import annotations

import sys
from pathlib import Path

from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.local_executor import LocalExecutor


def main() -> None:
    """Print the threads of the task whose folder is the first argument."""
    sys.stdout.write(LocalExecutor(1).top(TaskDir(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()

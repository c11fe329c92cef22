"""Hypothesis strategies: tasks with anything known or unknown, as the service may send them."""

from datetime import datetime, timedelta, timezone

import msgspec
from hypothesis import strategies as st

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES

NOW = datetime(2024, 6, 1, 12, tzinfo=timezone.utc)
_OFFSETS = [timezone.utc, timezone(timedelta(hours=-8)), timezone(timedelta(hours=5, minutes=45))]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
moments = st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone),
    st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(_OFFSETS),
)
recent = st.integers(-(10**12), 10**12).map(lambda many: NOW + timedelta(microseconds=many))
times = st.none() | recent | moments
seconds = st.none() | st.integers(0, 10**12).map(lambda many: many / 1e6)
sizes = st.none() | st.integers(0, 2**63 - 1)
metadata = st.none() | st.dictionaries(texts.filter(bool), texts, max_size=3)

_METRICS = {
    "total_seconds": seconds,
    "queue_time_seconds": seconds,
    "container_image_download_seconds": seconds,
    "input_upload_seconds": seconds,
    "computation_seconds": seconds,
    "output_upload_seconds": seconds,
    "container_image_size_bytes": sizes,
    "input_size_bytes": sizes,
    "output_size_bytes": sizes,
    "output_total_files": sizes,
}
_EXECUTER = {
    "vm_type": st.sampled_from([None, "", "n/a"]) | texts,
    "vm_name": st.none() | texts,
    "host_type": st.none() | texts,
    "n_mpi_hosts": sizes,
    "cpu_count_logical": sizes,
    "memory": sizes,
    "error_detail": st.none() | texts,
}
_EVENT = {"status": st.sampled_from(KNOWN_STATUSES), "timestamp": times}
_TASK = {
    "status": st.sampled_from([*KNOWN_STATUSES, "teleported"]) | texts,
    "is_terminated": st.none() | st.booleans(),
    "simulator": st.none() | texts,
    "project": st.none() | texts,
    "storage_region": st.none() | texts,
    "container_image": st.none() | texts,
    "machine_group_name": st.none() | texts,
    "num_retries": st.none() | st.integers(0, 9),
    "create_time": times,
    "input_submit_time": times,
    "start_time": times,
    "computation_start_time": times,
    "computation_end_time": times,
    "end_time": times,
    "estimated_computation_cost": st.none() | st.floats(0, 1e6),
    "metrics": st.none() | st.fixed_dictionaries({}, optional=_METRICS),
    "executer": st.none() | st.fixed_dictionaries({}, optional=_EXECUTER),
    "error_detail": st.none() | texts,
    "task_metadata": metadata,
    "orchestration_fee": st.none() | st.fixed_dictionaries({"amount": st.floats(0, 10)}),
    "status_history": st.none() | st.lists(st.fixed_dictionaries(_EVENT), max_size=2),
}


@st.composite
def task_lists(draw, max_size=4, **fields):
    """Return some tasks with ids of their own, read from JSON as an answer is."""
    drawn = draw(
        st.lists(st.fixed_dictionaries({}, optional={**_TASK, **fields}), max_size=max_size)
    )
    told = [
        {"status": "submitted", **task, "task_id": f"task{place}"}
        for place, task in enumerate(drawn)
    ]
    return msgspec.json.decode(msgspec.json.encode(told), type=list[TaskInfo])

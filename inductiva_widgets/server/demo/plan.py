"""Generate the demo tasks of a seed.

A plan has all facts of a task but absolute times: its times are seconds since its submission.
Random choices use ``random.Random`` with the seed and the number of the task, so they do not depend
on earlier tasks.
"""

from __future__ import annotations

import string
import uuid
from datetime import datetime, timedelta, timezone
from random import Random

import msgspec

from inductiva_widgets.models.tasks import (
    CommandSpec,
    Executer,
    Fee,
    TaskInfo,
    TaskMetrics,
    TaskSubmission,
)
from inductiva_widgets.server.demo.cases import (
    CASES,
    ENDS,
    MACHINES,
    REASONS,
    SPOT_DISCOUNT,
    DemoCase,
    DemoMachine,
)
from inductiva_widgets.server.demo.options import DEMO_KEY, DEMO_VALUE
from inductiva_widgets.status import Status

HISTORY_SIZE = 520
HISTORY_DAYS = 170
# Age of the newest task in days, so that even the longest has finished today.
_YOUNGEST_DAYS = 2
LIVE_PROJECT = "demo-live"
# Maximum number of live tasks, for a demo that runs for days.
MAX_LIVE_TASKS = 2000

_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 25
_ID_START = "demo"
# The only region of the embedded server.
_REGION = "local"
# Weights of the weekdays, Monday first.
_WEEK = (9, 10, 10, 10, 8, 2, 1)


class DemoTask(msgspec.Struct, frozen=True, kw_only=True):
    """Plan of one task of the demo.

    In seconds: ``waits`` in the queue, ``prepares`` and ``computes`` on the machine, ``packs`` its
    output. ``share`` is the completed part of the computation if the task ends early.
    """

    task_id: str
    case: DemoCase
    machine: DemoMachine
    spot: bool
    parameters: dict[str, str]
    project: str
    end: Status
    reason: str | None
    uploads: float
    waits: float
    prepares: float
    computes: float
    packs: float
    share: float
    noise: int

    @property
    def is_cut_short(self) -> bool:
        """Whether the task ends before its computation does."""
        return self.end not in (Status.SUCCESS, Status.FAILED)

    @property
    def cost(self) -> float:
        """Estimated cost of the computation in US$."""
        price = self.machine.price * (SPOT_DISCOUNT if self.spot else 1.0)
        return round(price * (self.prepares + self.computes) / 3600, 6)

    def submission(self) -> TaskSubmission:
        """Return the submission of the task."""
        image = f"docker://inductiva/kutu:{self.case.image}"
        commands = [msgspec.to_builtins(CommandSpec(cmd=text)) for text in self.case.commands]
        return TaskSubmission(
            simulator="arbitrary_commands",
            simulator_name_alias=self.case.alias,
            resource_pool=self.group_name,
            container_image=image,
            extra_params={
                "sim_dir": "sim_dir",
                "container_image": image,
                "commands": commands,
            },
            project=self.project,
            time_to_live_seconds=7200 if self.end == Status.TTL_EXCEEDED else None,
        )

    @property
    def group_name(self) -> str:
        """Name of the machine group."""
        return f"demo-{self.machine.name}{'-spot' if self.spot else ''}"

    def executer(self) -> Executer:
        """Return the fictitious machine of the task."""
        return Executer(
            uuid=uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.task_id}.demo").hex,
            cpu_count_logical=self.machine.cpus,
            cpu_count_physical=self.machine.cpus // 2,
            memory=self.machine.memory_gb * 10**9,
            n_mpi_hosts=1,
            vm_type=self.machine.name,
            vm_name=f"{self.group_name}-0",
            host_type="GCP",
        )

    def new_task(self, created: datetime) -> TaskInfo:
        """Return the task as it is just after its submission."""
        submission = self.submission()
        return TaskInfo(
            task_id=self.task_id,
            status=Status.PENDING_INPUT,
            status_alias=Status.PENDING_INPUT.alias,
            simulator=self.case.alias,
            project=self.project,
            is_terminated=False,
            num_retries=0,
            storage_path=self.task_id,
            storage_input_path=f"{self.task_id}/input.zip",
            storage_output_path=f"{self.task_id}/output.zip",
            storage_region=_REGION,
            container_image=submission.container_image,
            create_time=created,
            estimated_computation_cost=0.0,
            metrics=TaskMetrics(),
            machine_group_name=self.group_name,
            machine_group_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.group_name}.demo")),
            input_resources=[],
            stream_zip=True,
            compress_with=submission.compress_with,
            task_metadata={**self.parameters, DEMO_KEY: DEMO_VALUE},
            extra_params=submission.extra_params,
            resubmit_on_preemption=False,
            orchestration_fee=Fee(amount=0.0, charged=False),
        )


def history(seed: int, today: datetime) -> list[tuple[datetime, DemoTask]]:
    """Return the finished tasks with the times of their submission, oldest first.

    Parameters
    ----------
    seed
        Seed of the history.
    today
        Any time of the present day. All times are relative to its midnight (UTC), so that the
        history moves by exactly one day per day.
    """
    midnight = today.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    dice = make_rng(f"{seed}/calendar")
    days = range(_YOUNGEST_DAYS, HISTORY_DAYS + 1)
    # By the index of the day and not by the date, which moves.
    chosen = dice.choices(days, [_WEEK[day % 7] for day in days], k=HISTORY_SIZE)
    # The middle of a working day is in the afternoon.
    seconds = [min(max(dice.gauss(14.5, 2.8), 6), 23) * 3600 for _ in chosen]
    moments = sorted(
        midnight - timedelta(days=day) + timedelta(seconds=round(second, 3))
        for day, second in zip(chosen, seconds, strict=True)
    )
    ends = _ends(make_rng(f"{seed}/ends"))
    return [
        (moment, _make_task(make_rng(f"{seed}/history/{number}"), end))
        for number, (moment, end) in enumerate(zip(moments, ends, strict=True))
    ]


def make_rng(name: str) -> Random:
    """Return a random generator seeded with a name."""
    return Random(name)  # noqa: S311 - a demo has no secrets


def live(seed: int, number: int) -> DemoTask:
    """Return the plan of a live task; every fifth one fails."""
    end = Status.FAILED if number % 5 == 3 else Status.SUCCESS
    plan = _make_task(make_rng(f"{seed}/live/{number}"), end)
    dice = make_rng(f"{seed}/live/{number}/pace")
    # A few minutes for any simulator, since users do not watch for hours.
    return msgspec.structs.replace(
        plan,
        project=LIVE_PROJECT,
        uploads=dice.uniform(2, 5),
        prepares=dice.uniform(15, 40),
        computes=dice.uniform(150, 420),
        packs=dice.uniform(10, 25),
    )


class LivePlans:
    """Plans of the live tasks of a seed, by number and by id.

    Parameters
    ----------
    seed
        Seed of the tasks.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._plans: list[DemoTask] = []
        self._by_id: dict[str, DemoTask] = {}

    def __getitem__(self, number: int) -> DemoTask:
        """Return a task by its number."""
        while number >= len(self._plans):
            plan = live(self._seed, len(self._plans))
            self._plans.append(plan)
            self._by_id[plan.task_id] = plan
        return self._plans[number]

    def find(self, task_id: str) -> DemoTask:
        """Return a task by its id.

        Raises
        ------
        KeyError
            No live task has this id.
        """
        while task_id not in self._by_id and len(self._plans) < MAX_LIVE_TASKS:
            self[len(self._plans)]
        return self._by_id[task_id]


def _ends(dice: Random) -> list[Status]:
    """Return final statuses in the given shares, each at least once."""
    found = [
        status
        for status, share in ENDS.items()
        for _ in range(max(1, round(HISTORY_SIZE * share / 100)))
    ][:HISTORY_SIZE]
    found += [Status.SUCCESS] * (HISTORY_SIZE - len(found))
    dice.shuffle(found)
    return found


def _make_task(dice: Random, end: Status) -> DemoTask:
    case = dice.choices(CASES, [one.weight for one in CASES])[0]
    machine = dice.choice(MACHINES)
    spot = end == Status.SPOT_INSTANCE_PREEMPTED or dice.random() < 0.6
    minutes = dice.uniform(*case.minutes)
    computes = minutes * 60 * (16 / machine.cpus) ** 0.4
    share = dice.uniform(0.15, 0.85)
    done = 1.0
    if end == Status.FAILED:
        # Mistakes in the input lead to early failures.
        done = dice.uniform(0.01, 0.4)
    elif end != Status.SUCCESS:
        done = share
    if end == Status.TTL_EXCEEDED:
        computes, done = 7200.0, 1.0
    if end == Status.EXECUTER_TERMINATED_TTL_EXCEEDED:
        computes, done = 4 * 3600.0, 1.0
    computes = round(computes * done, 3)
    if end == Status.FAILED:
        reason: str | None = f"The command ended with exit code 1: {case.commands[-1]}"
    else:
        template = REASONS.get(end)
        reason = template.format(minutes=computes / 60) if template else None
    letters = "".join(dice.choice(_ID_LETTERS) for _ in range(_ID_LENGTH - len(_ID_START)))
    return DemoTask(
        task_id=_ID_START + letters,
        case=case,
        machine=machine,
        spot=spot,
        parameters=_parameters(case, minutes),
        project=case.project,
        end=end,
        reason=reason,
        uploads=round(dice.uniform(0.8, 9), 3),
        waits=round(dice.expovariate(1 / 90) + 4, 3),
        prepares=round(dice.uniform(18, 75), 3),
        computes=computes,
        packs=round(dice.uniform(4, 60), 3),
        share=done,
        noise=dice.getrandbits(32),
    )


def _parameters(case: DemoCase, minutes: float) -> dict[str, str]:
    """Return the parameter value that leads to a given duration."""
    (shortest, longest), (name, values) = case.minutes, case.varied
    place = int((minutes - shortest) / (longest - shortest) * len(values))
    return {name: values[min(place, len(values) - 1)]}

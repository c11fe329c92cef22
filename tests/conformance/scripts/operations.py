"""The same operations with either client: `operations.py vendor|ours '{"finished": id, ...}'`.

Each is announced to the recorder before it begins. What the two clients are asked for differs only
where their methods are called differently.
"""

import json
import os
import sys
import urllib.request

WHOSE, GIVEN = sys.argv[1], json.loads(sys.argv[2])
COMMAND = "runswmm model.inp model.rpt model.out"
PARTS = ["stdout.txt", "model.rpt"]


def begin(operation):
    name = urllib.request.quote(operation)
    urllib.request.urlopen(f"{os.environ['INDUCTIVA_API_URL']}/-/operation/{name}").close()


begin("import")
if WHOSE == "vendor":
    import inductiva
else:
    import inductiva_widgets as inductiva

    inductiva.connect()


def task():
    return inductiva.tasks.Task(GIVEN["finished"])


def run(case):
    if WHOSE == "vendor":
        group = inductiva.resources.machine_groups.get_by_name("local")
        return inductiva.simulators.SWMM().run(GIVEN[case], commands=[COMMAND], on=group)
    return inductiva.simulators.SWMM().run(GIVEN[case], commands=[COMMAND], on="local")


begin("list 3 tasks")
inductiva.tasks.get(last_n=3)

begin("list 3 tasks by status")
inductiva.tasks.get(last_n=3, status="success")

begin("list all tasks")
inductiva.tasks.get_all()

begin("info of a task")
task().get_info()

begin("status of a task")
task().get_status()

begin("submit a simulation")
started = run("short")

begin("wait to success")
started.wait(polling_period=0.2, silent_mode=True)

begin("")
long = run("long")
long.wait_for_status("computation-started", polling_period=0.2, silent_mode=True)

begin("kill a running task")
inductiva.tasks.Task(long.id).kill(wait_timeout=20)

begin("list the outputs")
task().get_output_info()

begin("download all outputs")
task().download_outputs(output_dir="whole")

begin("download two of the outputs")
task().download_outputs(PARTS, output_dir="parts")

begin("set and get metadata")
one = task()
one.set_metadata({"study": "storms"})
one.get_metadata()

begin("")

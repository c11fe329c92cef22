"""Simulators, machines and failures that the demo chooses from."""

from __future__ import annotations

from typing import NamedTuple

from inductiva_widgets.status import Status


class DemoMachine(NamedTuple):
    """Machine type with its on-demand price in US$ per hour."""

    name: str
    cpus: int
    memory_gb: int
    price: float


class DemoCase(NamedTuple):
    """Simulator with a typical use case, which takes ``minutes``.

    ``varied`` is the parameter of the use case: a name, and values from the fastest to the slowest.
    """

    alias: str
    image: str
    project: str
    commands: tuple[str, ...]
    files: tuple[str, ...]
    columns: tuple[str, ...]
    minutes: tuple[float, float]
    varied: tuple[str, tuple[str, ...]]
    weight: int
    error: str


MACHINES = (
    DemoMachine("c2-standard-4", 4, 16, 0.23),
    DemoMachine("c2-standard-8", 8, 32, 0.46),
    DemoMachine("c2-standard-16", 16, 64, 0.92),
    DemoMachine("c2-standard-60", 60, 240, 3.45),
    DemoMachine("c2d-standard-16", 16, 64, 0.80),
    DemoMachine("c2d-highcpu-56", 56, 112, 2.36),
    DemoMachine("c3d-highcpu-90", 90, 177, 3.80),
    DemoMachine("n2-highcpu-32", 32, 32, 1.26),
    DemoMachine("e2-standard-8", 8, 32, 0.29),
)
SPOT_DISCOUNT = 0.36

CASES = (
    DemoCase(
        "reef3d",
        "reef3d_v24.12",
        "demo-breakwater",
        ("/DIVEMesh/bin/DiveMESH", "/REEF3D/bin/REEF3D"),
        ("ctrl.txt", "control.txt"),
        ("time_s", "wave_height_m", "run_up_m"),
        (12, 210),
        ("cell_size_m", ("0.4", "0.2", "0.1", "0.05")),
        18,
        "EMERGENCY STOP: velocities exceeding the critical value of 50 m/s: u_max = 61.84\n"
        "at t = 14.2 s, iteration 9471. Lower N 47 (the CFL factor) or refine the grid (B 1).",
    ),
    DemoCase(
        "splishsplash",
        "splishsplash_v2.13",
        "demo-dam-break",
        ("./SPHSimulator dam_break.json --no-gui --output-dir .",),
        ("dam_break.json",),
        ("time_s", "kinetic_energy_j", "density_error_percent"),
        (3, 45),
        ("particle_radius_m", ("0.05", "0.025", "0.015", "0.01")),
        16,
        "DFSPH: the pressure solver did not converge after 100 iterations,\n"
        "density error 3.12 %. Reduce the maximal time step (maxTimeStepSize = 0.005).",
    ),
    DemoCase(
        "swash",
        "swash_v10.05",
        "demo-harbour",
        ("swashrun -input harbour.sws -mpi 16",),
        ("harbour.sws", "harbour.bot"),
        ("time_s", "water_level_m", "significant_height_m"),
        (20, 160),
        ("grid_m", ("8", "5", "3", "2")),
        13,
        "** Severe error: Water level is too far below the bottom level at (412, 87).\n"
        "** Message: please reduce the time step, or check the bathymetry in harbour.bot!",
    ),
    DemoCase(
        "xbeach",
        "xbeach_v1.24",
        "demo-dunes",
        ("xbeach",),
        ("params.txt", "bed.dep"),
        ("time_s", "wave_height_m", "bed_level_m"),
        (30, 240),
        ("grid_m", ("20", "10", "5")),
        11,
        "ERROR: the file of wave boundary conditions does not exist: jonswap_table.txt\n"
        "(bcfile in params.txt). Names are case-sensitive: jonswap_Table.txt is there.",
    ),
    DemoCase(
        "openfoam_foundation",
        "openfoam-foundation_v12",
        "demo-motorbike",
        ("blockMesh", "snappyHexMesh -overwrite", "simpleFoam"),
        ("system/controlDict", "system/fvSolution", "constant/transportProperties"),
        ("iteration", "drag_coefficient", "lift_coefficient"),
        (15, 190),
        ("million_cells", ("2", "6", "14", "30")),
        14,
        "--> FOAM FATAL ERROR:\nMaximum number of iterations exceeded: 1000\n"
        "    when starting from T0: 300 and ending at T: -1.4e+09\n"
        "    From function thermo::T(...). Courant Number max: 2381.7",
    ),
    DemoCase(
        "swmm",
        "swmm_v5.2.4",
        "demo-drainage",
        ("runswmm model.inp model.rpt model.out",),
        ("model.inp",),
        ("time_h", "outfall_flow_m3_s", "flooding_m3"),
        (0.4, 6),
        ("routing_step_s", ("60", "30", "10", "5")),
        12,
        "ERROR 209: undefined object J14 at line 212 of model.inp, section [CONDUITS].",
    ),
    DemoCase(
        "gromacs",
        "gromacs_v2025.0",
        "demo-lysozyme",
        ("gmx grompp -f md.mdp -c eq.gro -p topol.top -o md.tpr", "gmx mdrun -deffnm md"),
        ("md.mdp", "eq.gro", "topol.top"),
        ("time_ps", "temperature_k", "potential_kj_mol"),
        (25, 320),
        ("length_ns", ("1", "5", "10", "25")),
        9,
        "Fatal error:\nStep 3120: the total potential energy is 8.41e+13, which is very high.\n"
        "The system is not well equilibrated: minimise the energy first.",
    ),
    DemoCase(
        "fds",
        "fds_v6.9.1",
        "demo-tunnel-fire",
        ("/opt/fds/bin/fds_ompi_gnu_linux tunnel.fds",),
        ("tunnel.fds",),
        ("time_s", "heat_release_kw", "ceiling_temperature_c"),
        (18, 150),
        ("cell_size_m", ("0.5", "0.3", "0.2")),
        7,
        "ERROR: Numerical Instability - FDS stopped (CHID: tunnel), time step 4211,\n"
        "velocity 1.2E+03 m/s in mesh 3, cell (88, 2, 41).",
    ),
)

# Shares of the final statuses in the history, in percent.
ENDS = {
    Status.SUCCESS: 80.0,
    Status.FAILED: 7.5,
    Status.KILLED: 4.0,
    Status.SPOT_INSTANCE_PREEMPTED: 2.5,
    Status.TTL_EXCEEDED: 1.0,
    Status.EXECUTER_FAILED: 1.0,
    Status.EXECUTER_TERMINATED: 1.0,
    Status.EXECUTER_TERMINATED_BY_USER: 1.0,
    Status.EXECUTER_TERMINATED_TTL_EXCEEDED: 0.7,
    Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED: 0.5,
    Status.ZOMBIE: 0.5,
    Status.PENDING_INPUT: 0.3,
}

# Reasons that add to the description of the status.
REASONS = {
    Status.TTL_EXCEEDED: "The task was stopped after its time to live of 2 h.",
    Status.EXECUTER_FAILED: (
        "No space left on device: the disk of 10 GB was full while output was written. "
        "Give the machine group a larger disk."
    ),
    Status.EXECUTER_TERMINATED: "The provider ended the machine for maintenance.",
    Status.SPOT_INSTANCE_PREEMPTED: (
        "The provider reclaimed the spot machine after {minutes:.0f} minutes of computation."
    ),
    Status.EXECUTER_TERMINATED_TTL_EXCEEDED: "The machine group reached its time limit of 4 h.",
    Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED: "The account had $0.00 left.",
}

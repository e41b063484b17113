"""The program `hsgd`: what its commands print and write, and their exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd import dataset
from hsgd.__main__ import main as theory
from hsgd.command_line import asked, reading
from hsgd.dataset import foreign
from simulate.__main__ import main as simulate
from simulate.runs import sgd


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 20)) / np.sqrt(20)
    return {"A": A, "b": A.sum(axis=1) + 0.1 * rng.standard_normal(40)}


@pytest.fixture
def file(tmp_path, arrays):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def test_predict_prints_and_writes(file, tmp_path, capsys):
    out = tmp_path / "theory.nc"
    words = ["predict", file, "--fraction", "0.5", "--ridge", "0.1", "--num-times", "11"]
    words += ["--epochs", "4", "--spacing", "linear", "--out", str(out)]
    assert theory(words) == 0
    printed = capsys.readouterr().out
    curve = dataset.load(out)
    np.testing.assert_allclose(curve.time, np.linspace(0, 4, 11))
    # The verdict, then a table: start, end, limit.
    assert printed.startswith(curve.attrs["diagnosis"])
    row = next(line for line in printed.splitlines() if line.startswith("empirical_risk"))
    ends = hsgd.limits(reading.problem(file, 0.1), hsgd.SGD(float(curve.learning_rate[0])))
    values = [curve.empirical_risk[0], curve.empirical_risk[-1], ends.limiting_empirical_risk]
    assert row.split()[1:] == [f"{float(value):.5g}" for value in values]
    assert "kernel_norm" not in printed
    assert theory([*words, "--verbose"]) == 0
    printed = capsys.readouterr().out
    assert "kernel_norm" in printed
    assert "A_sha256" in printed


def test_the_method_may_be_chosen(file, tmp_path, capsys, arrays):
    out = tmp_path / "theory.nc"
    words = [file, "--fraction", "0.5", "--method", "discrete", "--batch-size", "4"]
    linear = ["--num-times", "5", "--spacing", "linear"]
    assert theory(["predict", *words, *linear, "--out", str(out)]) == 0
    curve, problem = dataset.load(out), hsgd.LeastSquares(arrays["A"], arrays["b"])
    assert curve.attrs["method"] == "discrete"
    np.testing.assert_allclose(curve.time, np.linspace(0, 20 / 4, 5))  # 20 passes, 4 rows a step
    critical = hsgd.critical_learning_rate(problem, batch_size=4, method="discrete")
    np.testing.assert_allclose(curve.learning_rate, 0.5 * critical, rtol=1e-12)
    assert theory(["limits", *words]) == 0
    assert "kernel_norm" in capsys.readouterr().out
    assert theory(["limits", file, "--fraction", "0.5", "--method", "magic"]) == 2
    assert "must be one of" in capsys.readouterr().err


def test_limits_and_diagnose(file, capsys):
    assert theory(["limits", file, "--learning-rate", "0.3"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("SGD settles at empirical risk")
    assert "critical_learning_rate" in printed
    assert theory(["diagnose", file, "--fraction", "0.5"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert theory(["diagnose", file, "--fraction", "0.5", "--verbose"]) == 0
    assert "fraction_of_critical" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["predict", "diagnose", "limits"])
def test_divergence_has_an_exit_code(file, capsys, command):
    assert theory([command, file, "--fraction", "1.5"]) == 3
    printed = capsys.readouterr()
    assert "critical" in printed.out.splitlines()[0]
    assert printed.err == ""  # the warning is the verdict, and said once


def test_runs_that_diverge_have_one_too(file, capsys):
    words = ["--learning-rate", "60", "--engine", "reference", "--seed", "0", "--epochs", "200"]
    with np.errstate(all="ignore"):
        assert simulate([file, *words, "--replicates", "2"]) == 3
    assert "2 of 2 runs diverged" in capsys.readouterr().out


def test_the_algorithm_may_be_chosen_for_the_theory_too(file, capsys):
    words = ["--fraction", "0.5", "--algorithm", "heavy-ball:0.9", "--num-times", "5"]
    assert theory(["predict", file, *words, "--verbose"]) == 0
    assert '"algorithm": "HeavyBall"' in capsys.readouterr().out
    assert theory(["predict", file, "--learning-rate", "0.1", "--algorithm", "sign-sgd"]) == 2
    assert "only simulate.sgd knows SignSGD" in capsys.readouterr().err


def test_a_sweep_names_the_lowest(file, tmp_path, capsys):
    out = tmp_path / "sweep.nc"
    words = ["--fraction", "0.2", "0.5", "0.8", "--batch-size", "1", "4", "--ridges", "0.1", "1"]
    assert theory(["sweep", file, *words, "--num-times", "5", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    curve = dataset.load(out)
    sizes = {name: size for name, size in curve.sizes.items() if name != "time"}
    assert sizes == {"ridge": 2, "fraction": 3, "batch_size": 2}
    # After the same passes: larger batches end at an earlier time, and then there is nothing.
    assert printed.startswith("lowest empirical_risk after 20 passes: ")
    ended = curve.empirical_risk.isel(batch_size=1).dropna("time")
    assert float(ended.time[-1]) * 4 == 20
    last = min(float(curve.empirical_risk.isel(batch_size=0, time=-1).min()),
               float(ended.isel(time=-1).min()))  # fmt: skip
    assert f"{last:.5g}" in printed.splitlines()[0]
    assert len(printed.splitlines()) == 1 + 1 + 12 + 1  # verdict, titles, members, file
    problem = reading.problem(file, 0.1)
    critical = hsgd.critical_learning_rate(problem, batch_size=4)
    member = curve.sel(ridge=0.1, fraction=0.5, batch_size=4)
    assert float(member.learning_rate) == pytest.approx(0.5 * critical, rel=1e-12)


def test_files_are_compared_and_the_exit_code_is_the_verdict(file, tmp_path, capsys):
    paths = {name: str(tmp_path / f"{name}.nc") for name in ("theory", "wrong", "runs")}
    curve = ["--num-times", "8", "--epochs", "4"]
    simulated = [file, "--learning-rate", "0.3", *curve, "--replicates", "64", "--seed", "0"]
    assert (
        theory(["predict", file, "--learning-rate", "0.3", *curve, "--out", paths["theory"]]) == 0
    )
    assert simulate([*simulated, "--out", paths["runs"]]) == 0
    capsys.readouterr()
    assert theory(["compare", paths["theory"], paths["runs"]]) == 0
    assert capsys.readouterr().out.startswith("agrees")
    wrong = dataset.load(paths["theory"])
    dataset.save(wrong.assign(empirical_risk=3 * wrong.empirical_risk), paths["wrong"])
    assert theory(["compare", paths["wrong"], paths["runs"]]) == 4
    assert capsys.readouterr().out.startswith("REJECTED")
    assert theory(["compare", paths["theory"], paths["runs"], "--discrepancy", "5"]) == 5
    assert theory(["compare", paths["theory"], "nowhere.nc"]) == 2
    assert "there is no file nowhere.nc" in capsys.readouterr().err


def test_sentences_name_the_options_of_the_shell(file, tmp_path, capsys):
    paths = {name: str(tmp_path / f"{name}.nc") for name in ("theory", "runs")}
    curve = ["--num-times", "4", "--epochs", "2"]
    assert (
        theory(["predict", file, "--learning-rate", "0.3", *curve, "--out", paths["theory"]]) == 0
    )
    assert "learning rate 0.3\n" in capsys.readouterr().out
    words = [file, "--learning-rate", "0.2", *curve, "--seed", "0", "--out", paths["runs"]]
    assert simulate([*words, "--replicates", "2"]) == 0
    assert theory(["compare", paths["theory"], paths["runs"]]) == 2
    assert "or --any-algorithm to compare" in capsys.readouterr().err
    assert theory(["compare", paths["theory"], paths["runs"], "--any-algorithm"]) == 2
    assert "pass --replicates 8 or more" in capsys.readouterr().err
    assert theory(["sweep", file, "--fraction", "0.1", "0.2", "--batch-size", "1", "2", "--ridges",
                   "0.1", "1", "--plot", str(tmp_path / "x.png")]) == 2  # fmt: skip
    assert "at most two" in capsys.readouterr().err


def test_a_table_comes_out_as_csv(file, tmp_path):
    import pandas

    out = tmp_path / "runs.csv"
    words = ["--learning-rate", "0.3", "--replicates", "2", "--seed", "0", "--num-times", "4"]
    assert simulate([file, *words, "--engine", "reference", "--out", str(out)]) == 0
    table = pandas.read_csv(out)
    assert len(table) == 4 * 2
    assert {"time", "replicate", "epoch", "empirical_risk"} <= set(table.columns)


@pytest.mark.filterwarnings("ignore:At n = :UserWarning")
def test_recommend_is_the_function(file, tmp_path, capsys):
    out = tmp_path / "best.nc"
    words = ["recommend", file, "--ridge", "0.1", "--epochs", "4", "--pieces", "3"]
    assert theory([*words, "--out", str(out), "--no-certificate"]) == 0
    printed = capsys.readouterr().out
    found = dataset.load(out)
    own = hsgd.recommend(reading.problem(file, 0.1), 4, pieces=3, accuracy=None)
    assert printed.startswith(own.attrs["verdict"])
    assert found.optimal_value == own.optimal_value
    assert [line.split()[0] for line in printed.splitlines()[2 : 2 + own.sizes["piece"]]] == [
        f"{start * 40:.0f}" for start in own.piece_start.values
    ]
    assert theory([*words, "--verbose", "--out", str(tmp_path / "best.csv")]) == 0
    assert "lower_bound" in capsys.readouterr().out
    assert len((tmp_path / "best.csv").read_text().splitlines()) == 1 + own.sizes["piece"]
    assert theory([*words, "--cap", "1.2"]) == 2
    assert "choose one below 1" in capsys.readouterr().err


def test_the_program_lists_the_commands_of_all_packages(capsys):
    assert theory(["--version"]) == 0
    assert capsys.readouterr().out == f"hsgd {hsgd.__version__}\n"
    assert theory(["--help"]) == 0
    printed = capsys.readouterr().out
    for name in (
        "predict",
        "limits",
        "diagnose",
        "sweep",
        "recommend",
        "simulate",
        "compare",
        "validate",
        "diff",
    ):
        assert f"\n    {name}" in printed
    assert theory([]) == 2
    assert theory(["fly"]) == 2
    assert "invalid choice: 'fly'" in capsys.readouterr().err
    assert theory(["simulate", "--help"]) == 0
    assert "usage: hsgd simulate" in capsys.readouterr().out


def test_simulate_is_the_function(file, tmp_path, capsys, arrays):
    out = tmp_path / "runs.nc"
    words = [
        file,
        "--learning-rate",
        "0.4",
        "--replicates",
        "3",
        "--seed",
        "5",
        "--batch-size",
        "2",
    ]
    more = ["--sampling", "subset", "--epochs", "4", "--num-times", "6", "--out", str(out)]
    assert simulate([*words, *more, "--statistics", "empirical_risk"]) == 0
    assert "seed 5" in capsys.readouterr().out
    runs = dataset.load(out)
    problem, algorithm = hsgd.LeastSquares(arrays["A"], arrays["b"]), hsgd.SGD(0.4, 2, "subset")
    expected = sgd(
        problem,
        algorithm,
        hsgd.times(problem, algorithm, epochs=4, num=6),
        statistics="empirical_risk",
        num_replicates=3,
        seed=5,
    )
    xr.testing.assert_equal(runs, expected)


def test_netcdf_data_with_everything(tmp_path, arrays, capsys):
    path = tmp_path / "data.nc"
    A, b = arrays["A"], arrays["b"]
    xr.Dataset(
        {
            "A": (("row", "column"), A),
            "b": ("row", b),
            "x0": ("column", np.ones(20)),
            "ridge": 0.7,
            "A_test": (("test", "column"), A[:5]),
            "b_test": ("test", b[:5]),
        }
    ).to_netcdf(path, engine="h5netcdf")
    words = [str(path), "--learning-rate", "0.1", "--engine", "reference", "--epochs", "1"]
    assert simulate(words) == 0
    assert "population_risk" in capsys.readouterr().out
    problem = asked(options(words)).problem
    assert problem.ridge == 0.7
    assert (problem.x0 == 1).all()
    assert asked(options([*words, "--ridge", "2"])).problem.ridge == 2


def options(words):
    from hsgd.command_line.command import parser_of
    from simulate.commands import SIMULATE

    return parser_of(SIMULATE).parse_args(words)


@pytest.mark.parametrize(
    ("words", "last_over_first"),
    [("constant", 1.0), ("power:0.5", 1 / np.sqrt(5)), ("power:1:2", 1 / 3), ("cosine:0.1", 0.25)],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_schedules(file, words, last_over_first, batch):
    """Four units of time are 4·B passes: there a cosine ends, and not before."""
    given = options(
        [file, "--learning-rate", "0.4", "--schedule", words, "--epochs", str(4 * batch),
         "--batch-size", str(batch)]
    )  # fmt: skip
    schedule = asked(given).algorithm.schedule
    first, before, last = schedule(np.array([0.0, 3.9, 4.0]))
    np.testing.assert_allclose(last / first, last_over_first)
    assert (before > last) == (words != "constant")


BAD = [
    ([], "required"),
    (["--learning-rate", "-1"], "learning_rate"),
    (["--learning-rate", "nan"], "learning_rate"),
    (["--learning-rate", "0.1", "--batch-size", "0"], "batch"),
    (["--learning-rate", "0.1", "--batch-size", "41", "--sampling", "subset"], "41"),
    (["--learning-rate", "0.1", "--sampling", "sideways"], "sampling"),
    (["--learning-rate", "0.1", "--schedule", "linear"], "--schedule"),
    (["--learning-rate", "0.1", "--schedule", "power:x"], "--schedule"),
    (["--learning-rate", "0.1", "--epochs", "0"], "epochs"),
    (["--learning-rate", "0.1", "--epochs", "0.01"], "before the second iteration"),
    (["--learning-rate", "0.1", "--num-times", "1"], "num is 1"),
    (["--learning-rate", "0.1", "--spacing", "random"], "spacing"),
    (["--learning-rate", "0.1", "--ridge", "-1"], "ridge"),
    (["--learning-rate", "0.1", "--statistics", "loss"], "loss"),
    (["--learning-rate", "0.1", "--statistics", "population_risk"], "population"),
    (["--learning-rate", "0.1", "--out", "/no/such/folder/x.nc"], "does not exist"),
]


@pytest.mark.parametrize(("words", "expected"), BAD)
@pytest.mark.parametrize("command", ["predict", "simulate"])
def test_bad_options_exit_with_2_and_one_sentence(file, capsys, command, words, expected):
    code = theory(["predict", file, *words]) if command == "predict" else simulate([file, *words])
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert expected in printed.err
    assert "Traceback" not in printed.err
    if words:
        assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--replicates", "0"], "num_replicates"), (["--seed", "-1"], "seed"),
     (["--engine", "gpu"], "engine"), (["--fraction", "0.5"], "--fraction")],
)  # fmt: skip
def test_bad_runs_exit_with_2(file, capsys, words, expected):
    assert simulate([file, "--learning-rate", "0.1", *words]) == 2
    assert expected in capsys.readouterr().err


def test_the_program_tells_the_simulation_the_critical_rate(file, tmp_path, capsys):
    words = [file, "--epochs", "1", "--num-times", "3", "--batch-size", "2", "--seed", "0", "--out"]
    given, named = str(tmp_path / "given.nc"), str(tmp_path / "named.nc")
    assert theory(["simulate", *words, named, "--fraction", "0.5"]) == 0
    rate = 0.5 * hsgd.critical_learning_rate(reading.problem(file), batch_size=2)
    assert theory(["simulate", *words, given, "--learning-rate", repr(rate)]) == 0
    assert dataset.load(given).drop_attrs().identical(dataset.load(named).drop_attrs())
    # Alone it does not know the theory.
    assert simulate([*words, named, "--fraction", "0.5"]) == 2
    assert "use the program hsgd, or pass --learning-rate" in capsys.readouterr().err


def write(path, content):
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("none.npz", None, "there is no file"),
        ("data.csv", b"1,2", ".csv"),
        ("text.npz", b"hello", "numpy.savez"),
        ("empty.npz", b"", "numpy.savez"),
        ("text.nc", b"hello", "NetCDF"),
        ("names.npz", {"X": np.eye(3), "b": np.ones(3)}, "no array A"),
        ("half.npz", {"A": np.eye(3), "b": np.ones(3), "A_test": np.eye(3)}, "b_test"),
        ("shape.npz", {"A": np.eye(3), "b": np.ones(4)}, "4 entries"),
        ("object.npz", {"A": np.array([None, 1], dtype=object), "b": np.ones(2)}, "numpy.savez"),
        ("ridge.npz", {"A": np.eye(3), "b": np.ones(3), "ridge": np.ones(2)}, "one number"),
        ("nan.npz", {"A": np.full((3, 3), np.nan), "b": np.ones(3)}, "NaN"),
    ],
)
def test_bad_files_exit_with_2_and_one_sentence(tmp_path, capsys, name, content, expected):
    path = tmp_path / name if content is None else write(tmp_path / name, content)
    assert simulate([str(path), "--learning-rate", "0.1"]) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert len(message.splitlines()) == 1


def test_unexpected_failures_exit_with_1(file, capsys, monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise ZeroDivisionError

    words = [file, "--learning-rate", "0.1", "--engine", "reference", "--epochs", "1"]
    with monkeypatch.context() as patch:
        patch.setattr("simulate.commands.sgd", fail)
        assert simulate(words) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err

    def full(*arguments):
        raise OSError("the disk is full.")

    monkeypatch.setattr(dataset, "save", full)
    assert simulate([*words, "--out", str(tmp_path / "x.nc")]) == 1
    assert capsys.readouterr().err == "python -m simulate: the disk is full.\n"


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"]])
def test_help(words, capsys):
    assert theory(words) == 0
    assert "usage: hsgd" in capsys.readouterr().out


def test_as_processes(file, tmp_path):
    home = str(Path(hsgd.__file__).parents[1])

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": home},
            capture_output=True,
            text=True,
            check=False,
        )

    good = run("simulate", file, "--learning-rate", "0.1", "--engine", "reference", "--epochs", "1")
    assert (good.returncode, good.stderr) == (0, "")
    assert "empirical_risk" in good.stdout
    bad = run("hsgd", "limits", "nowhere.npz", "--fraction", "0.5")
    assert bad.returncode == 2
    assert bad.stderr == "hsgd limits: there is no file nowhere.npz: check the path.\n"


def test_zarr_and_a_figure_come_out_of_the_commands(file, tmp_path, capsys):
    out, figure = tmp_path / "theory.zarr", tmp_path / "theory.png"
    words = ["predict", file, "--fraction", "0.5", "--ridge", "0.1", "--num-times", "11"]
    assert theory([*words, "--out", str(out), "--plot", str(figure)]) == 0
    assert f"drawn: {figure}" in capsys.readouterr().out
    assert dataset.load(out).sizes["time"] == 11
    assert figure.read_bytes().startswith(b"\x89PNG")
    drawn = tmp_path / "runs.svg"
    assert simulate([file, "--learning-rate", "0.4", "--num-times", "5", "--plot", str(drawn)]) == 0
    assert b"<svg" in drawn.read_bytes()


@pytest.mark.parametrize(
    ("option", "name", "module", "message"),
    [
        ("--plot", "figure.docx", None, "must be one of '.png', '.svg', '.pdf'"),
        ("--plot", "missing/figure.png", None, "make it first"),
        ("--plot", "figure.png", "matplotlib", "pip install 'hsgd[plot]'"),
        ("--out", "theory.zarr", "zarr", "pip install 'hsgd[zarr]'"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(
    file, tmp_path, capsys, monkeypatch, option, name, module, message
):
    if module is not None:
        monkeypatch.setitem(sys.modules, module, None)
    words = ["predict", file, "--fraction", "0.5", option, str(tmp_path / name)]
    assert theory(words) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert not printed.out


@pytest.mark.parametrize("version", [1, 2])
def test_netcdf_of_the_classic_kind_is_read(tmp_path, version):
    from scipy.io import netcdf_file

    path = tmp_path / "data.nc"
    with netcdf_file(path, "w", version=version) as file:
        file.createDimension("n", 4)
        file.createDimension("d", 3)
        packed = file.createVariable("A", "i2", ("n", "d"))
        packed.scale_factor, packed[:] = 0.5, np.arange(12).reshape(4, 3)
        file.createVariable("b", "f8", ("n",))[:] = np.arange(4.0)
    found = foreign.read(path, ("A", "b"))
    np.testing.assert_array_equal(found["A"], 0.5 * np.arange(12).reshape(4, 3))
    np.testing.assert_array_equal(found["b"], np.arange(4.0))
    assert found["b"].dtype == np.float64


def test_a_table_is_not_written_as_something_else(tmp_path, capsys):
    np.savez(tmp_path / "data.npz", A=np.eye(3), b=np.ones(3))
    words = ["predict", str(tmp_path / "data.npz"), "--learning-rate", "0.1"]
    assert theory([*words, "--out", str(tmp_path / "t.xlsx")]) == 2
    assert "to_dataframe" in capsys.readouterr().err
    assert not (tmp_path / "t.xlsx").exists()

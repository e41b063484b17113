"""What the theory says SGD's risk does: problems, algorithms, and the curves they imply.

Begin with a problem (`LeastSquares.from_data(X, y)`, or `GaussianRows` for fresh rows), an
algorithm (`SGD`, at a share of `critical_learning_rate(problem)`) and `times(problem,
algorithm, epochs=20)`. Then `predict` gives the risk curve, `limits` its end, and `diagnose`
whether to believe it; `simulate.sgd` runs the same, and `validation.compare` holds the two
against each other.

The rooms of this package:

    theory/            what high dimensions make of a problem and an algorithm
    exact/             the mean at finite n; `isotropic/` and `symbolic/` closed forms
    eigenframeworks/   where ridge regression ends up, from a spectrum alone
    networks/          linearised networks and last layers as problems
    kernels/           spectra on Gaussian inputs, and Gram matrices as problems
    accessor           `ds.hsgd`; `command_line/` what the commands of all packages share
    sweeps/            one setting after another
    plotting/          pictures of results
    dataset/           results: one schema, and its files
    setting            which problems and algorithms go together
    algorithms/        what is run
    problems/          what is learned
    statistics/        what is measured
    schedules          learning rates and batch sizes over time, `antiderivative` their integrals
    activations        functions of random features, and their `hermite` expansions
    interfaces         what a problem and a statistic are to all the others
    nouns              how a noun takes what is passed, `kept` what is computed once for it
    machine/           what the code asks of the computer
    checks/            sentences for bad input, `warning` for what a user should know
    owned              arrays that nobody can change any more
    lazy               how a facade loads its parts

Each stands on those below it in this list, and is seen by none of them; the witnesses `exact`,
`isotropic`, `symbolic` and `eigenframeworks`, with `networks` and `kernels`, see neither the theory
nor the solver. `import hsgd` stays light: parts are loaded on first use, and only `ds.hsgd` is
there from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsgd import accessor as accessor
from hsgd import lazy

if TYPE_CHECKING:
    from hsgd import activations as activations
    from hsgd import dataset as dataset
    from hsgd import eigenframeworks as eigenframeworks
    from hsgd import hermite as hermite
    from hsgd import isotropic as isotropic
    from hsgd import kernels as kernels
    from hsgd import networks as networks
    from hsgd import plotting as plotting
    from hsgd import symbolic as symbolic
    from hsgd.algorithms.adaptive import AdaGradNorm as AdaGradNorm
    from hsgd.algorithms.adaptive import LineSearch as LineSearch
    from hsgd.algorithms.adaptive import Polyak as Polyak
    from hsgd.algorithms.averaging import EMA as EMA
    from hsgd.algorithms.averaging import PowerAverage as PowerAverage
    from hsgd.algorithms.averaging import TailAverage as TailAverage
    from hsgd.algorithms.general_momentum import DANA as DANA
    from hsgd.algorithms.general_momentum import GeneralMomentum as GeneralMomentum
    from hsgd.algorithms.linear import LinearMethod as LinearMethod
    from hsgd.algorithms.linear import ScheduleFree as ScheduleFree
    from hsgd.algorithms.momentum import HeavyBall as HeavyBall
    from hsgd.algorithms.momentum import Nesterov as Nesterov
    from hsgd.algorithms.sgd import SGD as SGD
    from hsgd.algorithms.sgd import StreamingSGD as StreamingSGD
    from hsgd.algorithms.sign import SignSGD as SignSGD
    from hsgd.dataset.files import load as load
    from hsgd.dataset.grid import times as times
    from hsgd.exact.mean import exact_mean as exact_mean
    from hsgd.exact.stability import exact_stability as exact_stability
    from hsgd.problems.feature_rows import FeatureRows as FeatureRows
    from hsgd.problems.gaussian_rows import GaussianRows as GaussianRows
    from hsgd.problems.least_squares import LeastSquares as LeastSquares
    from hsgd.problems.populations import Population as Population
    from hsgd.problems.preconditioning import preconditioned as preconditioned
    from hsgd.problems.random_features import PowerLawRandomFeatures as PowerLawRandomFeatures
    from hsgd.problems.random_features import RandomFeatures as RandomFeatures
    from hsgd.problems.sampled import SampledLeastSquares as SampledLeastSquares
    from hsgd.problems.spectrum import Spectrum as Spectrum
    from hsgd.schedules import Constant as Constant
    from hsgd.schedules import CosineDecay as CosineDecay
    from hsgd.schedules import FromFunction as FromFunction
    from hsgd.schedules import Piecewise as Piecewise
    from hsgd.schedules import PowerDecay as PowerDecay
    from hsgd.schedules import Schedule as Schedule
    from hsgd.statistics.classification import classification_error as classification_error
    from hsgd.statistics.coordinates import Coordinates as Coordinates
    from hsgd.statistics.predictions import Predictions as Predictions
    from hsgd.statistics.quadratics import Quadratic as Quadratic
    from hsgd.sweeps.sweeping import sweep as sweep
    from hsgd.theory.batches import critical_batch_size as critical_batch_size
    from hsgd.theory.batches import grow_batch_size as grow_batch_size
    from hsgd.theory.batches import steps_to_target as steps_to_target
    from hsgd.theory.bootstrap import bootstrap_risk as bootstrap_risk
    from hsgd.theory.critical import critical_learning_rate as critical_learning_rate
    from hsgd.theory.diagnosis import diagnose as diagnose
    from hsgd.theory.effective import effective_epochs as effective_epochs
    from hsgd.theory.epochs import epochs_to_tolerance as epochs_to_tolerance
    from hsgd.theory.gradients import gradient as gradient
    from hsgd.theory.limits import limits as limits
    from hsgd.theory.optimal import optimal_learning_rate as optimal_learning_rate
    from hsgd.theory.optimal import optimal_schedule as optimal_schedule
    from hsgd.theory.optimal import schedule_of as schedule_of
    from hsgd.theory.optimal_batches import optimal_batch_schedule as optimal_batch_schedule
    from hsgd.theory.prediction import predict as predict
    from hsgd.theory.recommending import recommend as recommend
    from hsgd.theory.spectra.estimate import spectrum_of as spectrum_of

    __version__: str
else:
    __all__, __getattr__, __dir__ = lazy.facade(
        globals(),
        {
            "LeastSquares": "problems.least_squares",
            "Population": "problems.populations",
            "GaussianRows": "problems.gaussian_rows",
            "SampledLeastSquares": "problems.sampled",
            "Spectrum": "problems.spectrum",
            "preconditioned": "problems.preconditioning",
            "FeatureRows": "problems.feature_rows",
            "RandomFeatures": "problems.random_features",
            "PowerLawRandomFeatures": "problems.random_features",
            "SGD": "algorithms.sgd",
            "StreamingSGD": "algorithms.sgd",
            "HeavyBall": "algorithms.momentum",
            "Nesterov": "algorithms.momentum",
            "GeneralMomentum": "algorithms.general_momentum",
            "DANA": "algorithms.general_momentum",
            "ScheduleFree": "algorithms.linear",
            "LinearMethod": "algorithms.linear",
            "EMA": "algorithms.averaging",
            "TailAverage": "algorithms.averaging",
            "PowerAverage": "algorithms.averaging",
            "AdaGradNorm": "algorithms.adaptive",
            "LineSearch": "algorithms.adaptive",
            "Polyak": "algorithms.adaptive",
            "SignSGD": "algorithms.sign",
            "Schedule": "schedules",
            "Constant": "schedules",
            "Piecewise": "schedules",
            "PowerDecay": "schedules",
            "CosineDecay": "schedules",
            "FromFunction": "schedules",
            "Quadratic": "statistics.quadratics",
            "Coordinates": "statistics.coordinates",
            "Predictions": "statistics.predictions",
            "classification_error": "statistics.classification",
            "predict": "theory.prediction",
            "bootstrap_risk": "theory.bootstrap",
            "effective_epochs": "theory.effective",
            "critical_learning_rate": "theory.critical",
            "limits": "theory.limits",
            "epochs_to_tolerance": "theory.epochs",
            "critical_batch_size": "theory.batches",
            "grow_batch_size": "theory.batches",
            "steps_to_target": "theory.batches",
            "optimal_schedule": "theory.optimal",
            "optimal_learning_rate": "theory.optimal",
            "schedule_of": "theory.optimal",
            "recommend": "theory.recommending",
            "optimal_batch_schedule": "theory.optimal_batches",
            "gradient": "theory.gradients",
            "spectrum_of": "theory.spectra.estimate",
            "diagnose": "theory.diagnosis",
            "exact_mean": "exact.mean",
            "exact_stability": "exact.stability",
            "sweep": "sweeps.sweeping",
            "times": "dataset.grid",
            "load": "dataset.files",
            "__version__": "dataset.provenance",
        },
        modules=(
            "activations",
            "dataset",
            "eigenframeworks",
            "hermite",
            "isotropic",
            "kernels",
            "networks",
            "plotting",
            "symbolic",
        ),
    )

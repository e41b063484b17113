"""Kernels, where the theory meets them: as spectra, and as Gram matrices.

A kernel and a distribution of inputs have eigenvalues; those of rotation-invariant kernels on
Gaussian inputs are known, and with the target's power along the eigenfunctions they are all that
ridge regression and SGD depend on (`hsgd.eigenframeworks`, `hsgd.predict`). Where there are data, a
Gram matrix is enough.

    modes         eigenvalues of kernels on Gaussian inputs, and their eigenfunctions
    enumeration   the largest of products, one after the other
    target        what a target has along the eigenfunctions, from samples
    gram          Gram matrices as problems
    wide          kernels of wide networks: arc-cosine, any depth
    duals         from an activation to its kernel, and back
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsgd import lazy

if TYPE_CHECKING:
    from hsgd.kernels.duals import activation_for as activation_for
    from hsgd.kernels.duals import dual_coefficients as dual_coefficients
    from hsgd.kernels.gram import problem_of_gram as problem_of_gram
    from hsgd.kernels.modes import KernelModes as KernelModes
    from hsgd.kernels.modes import gaussian_modes as gaussian_modes
    from hsgd.kernels.modes import hermite_modes as hermite_modes
    from hsgd.kernels.target import spectrum_of_target as spectrum_of_target
    from hsgd.kernels.wide import arc_cosine as arc_cosine
else:
    __all__, __getattr__, __dir__ = lazy.facade(
        globals(),
        {
            "KernelModes": "modes",
            "gaussian_modes": "modes",
            "hermite_modes": "modes",
            "spectrum_of_target": "target",
            "problem_of_gram": "gram",
            "arc_cosine": "wide",
            "activation_for": "duals",
            "dual_coefficients": "duals",
        },
    )

"""Networks, where they are quadratic: linearised at their start, or their last layer.

A network that is linear in its parameters is a least-squares problem; a wide one nearly is, at the
parameters that it starts from, and its last layer always is. `linearised` makes the problem, of any
network that can say its outputs and its gradients: `TwoLayer` here, or one's own in PyTorch
(`from_torch`).

    linear      from a network and data to a problem
    two_layer   a network of two layers, in NumPy
    torch       one's own, in PyTorch
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsgd import lazy

if TYPE_CHECKING:
    from hsgd.networks.linear import Network as Network
    from hsgd.networks.linear import linearised as linearised
    from hsgd.networks.torch import from_torch as from_torch
    from hsgd.networks.two_layer import TwoLayer as TwoLayer
else:
    __all__, __getattr__, __dir__ = lazy.facade(
        globals(),
        {
            "linearised": "linear",
            "Network": "linear",
            "TwoLayer": "two_layer",
            "from_torch": "torch",
        },
    )

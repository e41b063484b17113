"""A network of one's own, in PyTorch, at the parameters that it has now."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, integer, real_array
from hsgd.nouns import Whole


class TorchNetwork:
    """A `torch.nn.Module` with one output, as `hsgd.networks.linearised` takes it."""

    def __init__(self, module: Any, chunk: int) -> None:
        import torch

        self._torch, self._chunk = torch, chunk
        self._module = module
        self._named = {
            name: value.detach() for name, value in module.named_parameters() if value.requires_grad
        }
        self._fixed = {
            name: value.detach()
            for name, value in (*module.named_parameters(), *module.named_buffers())
            if name not in self._named
        }

    def _one(self, parameters: Any, row: Any) -> Any:
        """f(x) of a single row."""
        everything = {**self._fixed, **parameters}
        return self._torch.func.functional_call(self._module, everything, (row[None],)).reshape(())

    def _tensor(self, inputs: ArrayLike) -> Any:
        like = next(iter(self._named.values()))
        return self._torch.as_tensor(
            np.array(real_array("inputs", inputs, 2)), dtype=like.dtype, device=like.device
        )

    def outputs(self, inputs: ArrayLike) -> Array:
        """F at each row, shape (n,)."""
        rows = self._tensor(inputs)
        with self._torch.no_grad():
            found = [self._module(part).reshape(len(part)) for part in rows.split(self._chunk)]
        return np.asarray(self._torch.cat(found).double().cpu().numpy())

    def gradients(self, inputs: ArrayLike) -> Array:
        """Gradients by all parameters that are trained, one row each, shape (n, p)."""
        return np.concatenate([self._part(part) for part in self._split(inputs)])

    def gram(self, inputs: ArrayLike, others: ArrayLike) -> Array:
        """Inner products of gradients, a chunk of rows at a time, shape (m, n)."""
        return np.concatenate(
            [
                np.concatenate([one @ self._part(other).T for other in self._split(others)], axis=1)
                for one in map(self._part, self._split(inputs))
            ]
        )

    def _split(self, inputs: ArrayLike) -> Any:
        return self._tensor(inputs).split(self._chunk)

    def _part(self, rows: Any) -> Array:
        functional = self._torch.func
        gradient = functional.vmap(functional.grad(self._one), in_dims=(None, 0))
        parts = gradient(self._named, rows)
        flat = [part.reshape(len(rows), -1) for part in parts.values()]
        return np.asarray(self._torch.cat(flat, dim=1).double().cpu().numpy())


def from_torch(module: Any, *, chunk: Whole = 64) -> TorchNetwork:
    """A `torch.nn.Module` at its parameters of now; those with `requires_grad` are trained.

    Parameters
    ----------
    module
        Takes rows, shape (n, d), and gives one number for each, (n,) or (n, 1). It should treat
        rows one by one: no batch normalisation in training mode, no dropout.
    chunk
        Rows whose gradients are held at once.

    Returns
    -------
    TorchNetwork
        For `hsgd.networks.linearised`.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError, ValueError
        For another object, or a module without parameters to train.

    Notes
    -----
    Cost: of a Gram matrix of m by n rows, the gradients of m·n/chunk rows: of each of the n once
    for every chunk of the m. Memory: two chunks of gradients, 16·chunk bytes for each parameter.

    References
    ----------
    docs, page "Networks".
    """
    try:
        from torch import nn
    except ImportError as error:
        raise ImportError("from_torch needs PyTorch: pip install torch.") from error
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}: pass a torch.nn.Module.")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError("module has no parameter with requires_grad: nothing would be trained.")
    return TorchNetwork(module, integer("chunk", chunk, minimum=1))

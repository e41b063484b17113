"""The Volterra equation of SGD with a symbolic spectrum, and what follows from it in formulas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy

from hsgd.checks import one_of
from hsgd.symbolic import expressions
from hsgd.symbolic.expressions import expression, formula
from hsgd.symbolic.spectra import MarchenkoPastur, PointMasses


@dataclass(frozen=True)
class VolterraEquation:
    """Ψ(t) = F(t) + ∫₀ᵗ K(t−s) Ψ(s) ds, the training loss ½‖Ax−b‖² of SGD in high dimensions.

    Parameters
    ----------
    spectrum
        `PointMasses` or `MarchenkoPastur`: the eigenvalues of AᵀA.
    learning_rate, ridge, batch_size, num_rows
        γ, δ, B, n: numbers or SymPy expressions; by default the positive symbols of these letters.
    sampling
        `"with_replacement"` or `"subset"`, as in `hsgd.SGD`.

    Raises
    ------
    TypeError, ValueError
        For another spectrum, another sampling, or parameters that are negative or no expressions.

    Notes
    -----
    The learning rate is constant and time is iterations/n, as everywhere; `empirical_risk` in
    datasets is Ψ/n. With Marchenko–Pastur, n → ∞ at fixed batch size.

    References
    ----------
    arXiv:2205.07069, Theorem 1.1; arXiv:2206.07252, section 3; docs, symbolic page.

    Examples
    --------
    >>> VolterraEquation(PointMasses([1, 3]), ridge=0, batch_size=1).kernel_norm
    2*gamma/n
    """

    spectrum: PointMasses | MarchenkoPastur
    learning_rate: sympy.Expr = field(default=expressions.LEARNING_RATE, kw_only=True)
    ridge: sympy.Expr = field(default=expressions.RIDGE, kw_only=True)
    batch_size: sympy.Expr = field(default=expressions.BATCH_SIZE, kw_only=True)
    num_rows: sympy.Expr = field(default=expressions.NUM_ROWS, kw_only=True)
    sampling: str = field(default="with_replacement", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.spectrum, PointMasses | MarchenkoPastur):
            raise TypeError(
                f"spectrum is a {type(self.spectrum).__name__}: pass a hsgd.symbolic.PointMasses "
                "or a hsgd.symbolic.MarchenkoPastur."
            )
        one_of("sampling", self.sampling, ("with_replacement", "subset"))
        for name in ("learning_rate", "batch_size", "num_rows"):
            value = expression(name, getattr(self, name), positive=True)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "ridge", expression("ridge", self.ridge))

    # ------------------------------------------------------------------ the equation

    @property
    def noise_factor(self) -> sympy.Expr:
        """φ = 1/B, or (n−B)/(B(n−1)) for subsets."""
        B, n = self.batch_size, self.num_rows
        return 1 / B if self.sampling == "with_replacement" else (n - B) / (B * (n - 1))

    @property
    def _gain(self) -> sympy.Expr:
        return self.learning_rate * self.noise_factor / 2

    def kernel(self, lag: Any = expressions.LAG) -> sympy.Expr:
        """K(τ) = (γ²φ/n) Σ_j λ_j² e^{−2γ(λ_j+δ)τ}."""
        # notation: as in the docstring
        gamma, tau = self.learning_rate, expression("lag", lag)
        damped = sympy.exp(-2 * gamma * self.ridge * tau)
        spectral = self.spectrum.kernel_sum(2 * gamma * tau, self.num_rows)
        return gamma**2 * self.noise_factor / self.num_rows * damped * spectral

    def laplace_transform(self, variable: Any = expressions.LAPLACE_VARIABLE) -> sympy.Expr:
        """K̂(s) = (γφ/2n) Σ_j λ_j²/(λ_j + δ + s/(2γ))."""
        point = -self.ridge - formula("variable", variable) / (2 * self.learning_rate)
        n = self.num_rows
        return self._gain / n * self.spectrum.resolvent(2, point, n)

    @property
    def kernel_norm(self) -> sympy.Expr:
        """‖K‖ = K̂(0): noise fed back per noise put in; below one the equation is stable."""
        return self.laplace_transform(sympy.Integer(0))

    @property
    def equation(self) -> sympy.Eq:
        """The Volterra equation with this kernel, forcing F and loss Ψ left as functions."""
        t, s = expressions.TIME, sympy.Symbol("s", nonnegative=True)
        loss, forcing = sympy.Function("Psi"), sympy.Function("F")
        # Under the integral the lag is known to be ≥ 0, which t − s does not tell SymPy.
        kernel = self.kernel(expressions.LAG).subs(expressions.LAG, t - s)
        return sympy.Eq(loss(t), forcing(t) + sympy.Integral(kernel * loss(s), (s, 0, t)))

    # ------------------------------------------------------------------ stability and rates

    @property
    def critical_learning_rate(self) -> sympy.Expr:
        """The γ of ‖K‖ = 1: 2n/(φ Σ_j λ_j²/(λ_j+δ)); the iteration also needs `curvature_limit`."""
        feedback = self.spectrum.resolvent(2, -self.ridge, self.num_rows)
        return sympy.simplify(2 * self.num_rows / (self.noise_factor * feedback))

    @property
    def curvature_limit(self) -> sympy.Expr:
        """2n/(λ_max+δ), beyond which even the noiseless iteration diverges (large batches)."""
        return 2 * self.num_rows / (self.spectrum.largest + self.ridge)

    @property
    def transition_learning_rate(self) -> sympy.Expr:
        """γ*, above which noise and not the edge of the spectrum decides the rate.

        Raises
        ------
        ValueError
            For point masses, where the noise always decides.
        """
        if not isinstance(self.spectrum, MarchenkoPastur):
            raise ValueError(
                "finitely many masses have no transition: the noise decides the rate at every "
                "learning rate; use rates, or a MarchenkoPastur spectrum."
            )
        return self.spectrum.transition(self.noise_factor)

    @property
    def rates(self) -> tuple[sympy.Expr, ...]:
        """Ascending rates ξ with K̂(−ξ) = 1: the equation's own modes e^{−ξt}.

        The first is the slowest; negative, it is growth. Closed for one and two masses and for
        Marchenko–Pastur (the slowest only: the root, or the edge 2γ(l₋+δ)); else roots of
        `characteristic_polynomial`, for numbers. A ridge also forces e^{−γ(λ_j+δ)t}.

        Raises
        ------
        ValueError
            For three or more masses with symbols.
        """
        roots = self.spectrum.feedback_roots(self._gain, self.num_rows)
        return tuple(2 * self.learning_rate * (root + self.ridge) for root in roots)

    def characteristic_polynomial(self, variable: Any = expressions.LAPLACE_VARIABLE) -> sympy.Poly:
        """Π_i (s+2γ(λ_i+δ))·(1−K̂(s)) for point masses: its roots are minus the rates."""
        if not isinstance(self.spectrum, PointMasses):
            raise ValueError("only point masses have a characteristic polynomial: use rates.")
        s, gamma, n = variable, self.learning_rate, self.num_rows
        factors = [s + 2 * gamma * (x + self.ridge) for x in self.spectrum.eigenvalues]
        whole = sympy.Mul(*factors)
        for i, (x, m) in enumerate(self.spectrum.pairs):
            others = sympy.Mul(*(f for j, f in enumerate(factors) if j != i))
            whole -= gamma**2 * self.noise_factor / n * m * x**2 * others
        return sympy.Poly(whole, s)

    # ------------------------------------------------------------------ forcing and limits

    def forcing(
        self, signal: Any, noise: Any = expressions.NOISE, time: Any = expressions.TIME
    ) -> sympy.Expr:
        """Gradient flow's loss from x0 = 0 for b = Ax* + noise·ε, averaged over ε.

        F(t) = ½ Σ_j (λ_j c_j + noise²) ((δ + λ_j e^{−γr_j t})/r_j)² + ½ noise² (n − rank),
        r_j = λ_j+δ, c_j = ⟨x*,u_j⟩². Without a ridge put x*−x0 for x*, then any start will do.

        Parameters
        ----------
        signal
            `PointMasses`: the sums of c_j over each eigenspace, one per mass.
            `MarchenkoPastur`: ‖x*‖²/n, the variance of a noiseless target.
        noise
            Standard deviation of the label noise.
        time
            t.
        """
        n, delta = self.num_rows, self.ridge
        t, eta = expression("time", time), expression("noise", noise)

        def remaining(x: sympy.Expr) -> sympy.Expr:
            decay = sympy.exp(-self.learning_rate * (x + delta) * t)
            return ((delta + x * decay) / (x + delta)) ** 2

        seen = self.spectrum.signal_sum(signal, remaining, n)
        seen += eta**2 * self.spectrum.sum(remaining, n)
        return (seen + eta**2 * (n - self.spectrum.rank(n))) / 2

    def limiting_forcing(self, signal: Any, noise: Any = expressions.NOISE) -> sympy.Expr:
        """The loss where gradient flow ends, L(x_ridge): `forcing` as t → ∞."""
        n, delta, eta = self.num_rows, self.ridge, expression("noise", noise)
        spectrum = self.spectrum
        unseen = eta**2 * (n - spectrum.rank(n))
        if delta.is_zero:
            return unseen / 2
        if isinstance(spectrum, PointMasses):

            def remaining(x: sympy.Expr) -> sympy.Expr:
                return (delta / (x + delta)) ** 2

            seen = spectrum.signal_sum(signal, remaining, n) + eta**2 * spectrum.sum(remaining, n)
            return (seen + unseen) / 2
        # ∫ dμ/(x+δ)² = m'(−δ) counts the atom at zero, so that n(1−r) is what is left to add.
        z = sympy.Symbol("z", negative=True)
        m = spectrum.stieltjes_transform(z)
        value, slope = (f.subs(z, -delta) for f in (m, sympy.diff(m, z)))
        part, r = expression("signal", signal), spectrum.ratio
        seen = part * (value - delta * slope) + eta**2 * r * slope
        return n * (delta**2 * seen + eta**2 * (1 - r)) / 2

    def limiting_loss(self, floor: Any = expressions.FLOOR) -> sympy.Expr:
        """Ψ_∞ = L(x_ridge)/(1−‖K‖), for ‖K‖ < 1; `floor` is L(x_ridge)."""
        return expression("floor", floor) / (1 - self.kernel_norm)

    def limiting_excess(self, curvature: Any, floor: Any = expressions.FLOOR) -> sympy.Expr:
        """What SGD adds to the limit of another quadratic: (γφ/2n) Ψ_∞ Σ_j T_jj λ_j/(λ_j+δ).

        Parameters
        ----------
        curvature
            T_jj, the second derivative's diagonal in the eigenbasis: one expression if it is the
            same everywhere, or for point masses the mean over each eigenspace.
        floor
            L(x_ridge).
        """
        n, spectrum = self.num_rows, self.spectrum
        if isinstance(spectrum, PointMasses) and isinstance(curvature, list | tuple):
            weighted = [m * c for (_, m), c in zip(spectrum.pairs, curvature, strict=True)]
            shares = spectrum.signal_sum(weighted, lambda x: 1 / (x + self.ridge), n)
        else:
            shares = expression("curvature", curvature) * spectrum.resolvent(1, -self.ridge, n)
        return self._gain / n * self.limiting_loss(floor) * shares

    def loss(
        self, signal: Any, noise: Any = expressions.NOISE, time: Any = expressions.TIME
    ) -> sympy.Expr:
        """Ψ(t) itself, a sum of exponentials, for point masses whose `rates` are known.

        Parameters are those of `forcing`. By partial fractions of F̂(s)/(1−K̂(s)): at each pole
        of F̂ the value of 1/(1−K̂), at each −ξ the residue F̂(−ξ)/(−K̂'(−ξ)).
        """
        if not isinstance(self.spectrum, PointMasses):
            raise ValueError(
                "the loss of a continuous spectrum is an integral: for its values use "
                "hsgd.isotropic.empirical_risk, for formulas PointMasses."
            )
        # notation: f, sigma = amplitudes and rates of the forcing; xi = own rates
        t, s = expression("time", time), sympy.Dummy("s")
        kernel = self.laplace_transform(s)
        steepness = -sympy.diff(kernel, s)
        terms = self._forcing_terms(signal, expression("noise", noise))
        slow = [(f, sigma) for f, sigma, is_pole in terms if not is_pole and not f.is_zero]
        answer = [f / (1 - kernel.subs(s, -sigma)) * sympy.exp(-sigma * t) for f, sigma in slow]
        for xi in self.rates:
            transform = sympy.Add(*(f / (sigma - xi) for f, sigma, _ in terms))
            answer.append(transform / steepness.subs(s, -xi) * sympy.exp(-xi * t))
        return sympy.Add(*answer)

    def _forcing_terms(
        self, signal: Any, noise: sympy.Expr
    ) -> list[tuple[sympy.Expr, sympy.Expr, bool]]:
        """Amplitude and rate of each exponential in the forcing, and whether K̂ has that pole."""
        n, gamma, delta, spectrum = self.num_rows, self.learning_rate, self.ridge, self.spectrum
        assert isinstance(spectrum, PointMasses)
        terms = [(self.limiting_forcing(signal, noise), sympy.Integer(0), False)]
        one = [sympy.Integer(0)] * len(spectrum.eigenvalues)
        for i, (x, m) in enumerate(spectrum.pairs):
            only = [*one[:i], expression(f"signal[{i}]", signal[i]), *one[i + 1 :]]
            power = spectrum.signal_sum(only, lambda _: sympy.Integer(1), n) + m * noise**2
            damping = x + delta
            terms.append((power * delta * x / damping**2, gamma * damping, False))
            terms.append((power * x**2 / (2 * damping**2), 2 * gamma * damping, True))
        return terms

    # ------------------------------------------------------------------ in print

    def formulas(self) -> dict[str, sympy.Eq]:
        """The equation, its kernel, norm, Laplace transform and critical learning rate, by name."""
        s, tau = expressions.LAPLACE_VARIABLE, expressions.LAG
        left = {
            "kernel": sympy.Function("K")(tau),
            "laplace_transform": sympy.Function(r"\hat{K}")(s),
            "kernel_norm": sympy.Symbol(r"\|K\|"),
            "critical_learning_rate": sympy.Symbol(r"\gamma_{\mathrm{critical}}"),
        }
        right = {
            "kernel": self.kernel(),
            "laplace_transform": self.laplace_transform(),
            "kernel_norm": self.kernel_norm,
            "critical_learning_rate": self.critical_learning_rate,
        }
        named = {name: sympy.Eq(left[name], right[name], evaluate=False) for name in left}
        return {"equation": self.equation, **named}

    def latex(self) -> str:
        """All of `formulas` as one aligned LaTeX block."""
        lines = [
            f"{sympy.latex(formula.lhs)} &= {sympy.latex(formula.rhs)}"
            for formula in self.formulas().values()
        ]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

"""A user's file in which every line that says so is wrong, and must be reported as such."""

import numpy as np

import hsgd
import simulate
import validation

A, b = np.eye(3), np.ones(3)
problem = hsgd.LeastSquares(A, b)
sgd = hsgd.SGD(0.1)
theory = hsgd.predict(problem, sgd, [0.0, 1.0])
runs = simulate.sgd(problem, sgd, [0.0, 1.0])

hsgd.LeastSquare(A, b)  # wrong
simulate.adam(problem, sgd, [0.0])  # wrong
validation.comparison_of(theory, runs)  # wrong
hsgd.LeastSquares(A)  # wrong
hsgd.LeastSquares(A, None)  # wrong
hsgd.LeastSquares(A, b, 0.1)  # wrong
hsgd.LeastSquares(A, b, ridge="0.1")  # wrong
hsgd.LeastSquares(A, b, ridge=[0.1, 0.2])  # wrong
hsgd.LeastSquares(A, b, population=A)  # wrong
hsgd.LeastSquares(A, b, population=(A, b, b))  # wrong
hsgd.LeastSquares(A, b, start=b)  # wrong
hsgd.GaussianRows(None, b)  # wrong
hsgd.GaussianRows(A, b, noise=None)  # wrong
hsgd.SampledLeastSquares(problem, 10)  # wrong
hsgd.RandomFeatures(hsgd.GaussianRows(1.0, b), 2.5)  # wrong
hsgd.SGD("fast")  # wrong
hsgd.SGD([0.1, 0.2])  # wrong
hsgd.SGD(0.1, batch_size=0.5)  # wrong
hsgd.Piecewise(4.0, (1.0, 2.0))  # wrong
hsgd.HeavyBall(0.1)  # wrong
hsgd.Quadratic(A)  # wrong
problem.ridge = 1.0  # wrong
problem.solution.backward()  # wrong
hsgd.predict(problem, 0.1, [0.0])  # wrong
hsgd.predict(sgd, problem, [0.0])  # wrong
hsgd.predict(problem, sgd, None)  # wrong
hsgd.predict(problem, sgd, [0.0], statistics=3)  # wrong
hsgd.predict(problem, sgd, [0.0], seed=0)  # wrong
hsgd.exact_mean(problem, sgd, None)  # wrong
rate: int = hsgd.critical_learning_rate(problem)  # wrong
simulate.sgd(problem, sgd, None)  # wrong
simulate.sgd(problem, sgd, [0.0], seed="zero")  # wrong
simulate.diffusion(problem, sgd, [0.0], statistics=3)  # wrong
validation.compare(theory)  # wrong
validation.compare(problem, runs)  # wrong
validation.convergence(None, [1.0, 2.0])  # wrong

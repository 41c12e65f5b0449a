"""How fast this machine trains and predicts, and how near that is to what its processor can do."""

from kerascnn.benchmarking.machine_benchmark import Benchmark, Rate, benchmark

__all__ = ["Benchmark", "Rate", "benchmark"]

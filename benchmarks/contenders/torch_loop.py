"""The loop that is in every PyTorch tutorial, and the network of this project written with PyTorch's layers."""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from measuring import Stopwatch, load, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def network(*head: nn.Module) -> nn.Sequential:
    """Build two convolutions, one pooling and two fully connected layers.

    Args:
        *head: Layers after the last one.

    Returns:
        Module from `(n, 1, 28, 28)` to `(n, 10)`.
    """
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
        *head,
    )


def train(
    arguments: argparse.Namespace,
    model: nn.Module,
    loss_function: Callable,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    *,
    mean: float = 0.0,
    deviation: float = 1.0,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> None:
    """Train for the epochs that were asked for, validate after each, test once, report.

    Args:
        arguments: Arguments of the command line.
        model: Module from `(n, 1, 28, 28)` to `(n, 10)`.
        loss_function: Function of the model's output and the labels.
        optimizer: Optimizer of the model's parameters.
        batch_size: Number of samples in a step.
        mean: Number that is subtracted from the pixels, 0..1.
        deviation: divides them.
        scheduler: moves on after each epoch.
    """
    parts = [_dataset(images, labels, mean, deviation) for images, labels in load(arguments.data, arguments.seed)]
    loader = DataLoader(parts[0], batch_size=batch_size, shuffle=True)
    watch = Stopwatch(batch_size)
    val_accuracy = test_accuracy = None
    for _ in range(arguments.epochs):
        watch.epoch_begins()
        model.train()
        for step, (images, labels) in enumerate(loader, start=1):
            optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            optimizer.step()
            watch.step_done()
            if step == arguments.limit_steps:
                break
        if scheduler is not None:
            scheduler.step()
        if arguments.limit_steps is None:
            val_accuracy = accuracy(model, parts[1])
        watch.epoch_ends()
    if arguments.limit_steps is None:
        test_accuracy = accuracy(model, parts[2])
    report(arguments, watch, {"val_accuracy": val_accuracy, "test_accuracy": test_accuracy})


def accuracy(model: nn.Module, dataset: TensorDataset) -> float:
    """Compute the accuracy."""
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in DataLoader(dataset, batch_size=1000):
            right += (model(images).argmax(dim=1) == labels).sum().item()
    return right / len(dataset)


def _dataset(images: np.ndarray, labels: np.ndarray, mean: float, deviation: float) -> TensorDataset:
    pixels = torch.tensor(images).float().div(255).unsqueeze(1)
    return TensorDataset((pixels - mean) / deviation, torch.tensor(labels))

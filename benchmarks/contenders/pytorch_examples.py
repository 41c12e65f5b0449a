"""The settings of the PyTorch project's own MNIST example: Adadelta at 1.0, times 0.7 after each epoch, batches of 64.

python benchmarks/contenders/pytorch_examples.py --epochs 14
"""

import torch
from measuring import parse_arguments
from torch import nn
from torch_loop import network, train

arguments = parse_arguments(__doc__)
torch.manual_seed(arguments.seed)
model = network(nn.LogSoftmax(dim=1))
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
train(
    arguments,
    model,
    nn.functional.nll_loss,
    optimizer,
    batch_size=64,
    mean=0.1307,
    deviation=0.3081,
    scheduler=torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7),
)

"""The lecture's PyTorch loop: a softmax at the end of the network, and a loss that applies another one.

python benchmarks/contenders/lecture_pytorch.py --epochs 3
"""

import torch
from measuring import parse_arguments
from torch import nn
from torch_loop import network, train

arguments = parse_arguments(__doc__)
torch.manual_seed(arguments.seed)
model = network(nn.Softmax(dim=1))
train(arguments, model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-3), batch_size=128)

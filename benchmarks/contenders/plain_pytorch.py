"""A plain PyTorch loop: logits, cross-entropy, Adam at its usual rate, batches of 128.

python benchmarks/contenders/plain_pytorch.py --epochs 3
"""

import torch
from measuring import parse_arguments
from torch import nn
from torch_loop import network, train

arguments = parse_arguments(__doc__)
torch.manual_seed(arguments.seed)
model = network()
train(arguments, model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-3), batch_size=128)

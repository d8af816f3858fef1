"""A frozen base cut over the processes: each keeps a part of every weight and gathers a layer while it computes it.

This is PyTorch's FSDP2 (ZeRO stage 3; Rajbhandari et al. 2020) for what is frozen alone. What is trained is small and
whole in every process, so its gradients, optimiser, checkpoints and files are those of train.distributed.ranks, and the
numbers are the same to the bit. All processes have to run the model at the same time, or they wait for each other.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from train.distributed import ranks

__all__ = ["shard"]


def shard(model: nn.Module, layers: nn.ModuleList, device: str) -> int:
    """Cut the frozen weights of a model in place, layer by layer; the numbers that this process holds of them.

    `model` is what is called, with its weights in the main memory; they go to `device`, cpu or cuda, a layer at a time.
    """
    mesh = init_device_mesh(device, (ranks.here().size,))
    trained = {parameter for parameter in model.parameters() if parameter.requires_grad}
    for layer in layers:
        if any(parameter not in trained for parameter in layer.parameters()):
            fully_shard(layer, mesh=mesh, ignored_params=trained)
    fully_shard(model, mesh=mesh, ignored_params=trained)
    model.to(torch.device(device))  # what is trained; each process has made its GPU the current one
    return sum(part.to_local().numel() for part in model.parameters() if isinstance(part, DTensor))

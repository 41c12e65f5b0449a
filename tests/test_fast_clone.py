"""The twin that is trained gives what the plain network would: probabilities, gradients, weights."""

import pytest

NETWORKS = ("cnn", "varied")


@pytest.mark.parametrize("network", NETWORKS)
def test_the_twin_gives_the_same_results(worker, network):
    differences = worker("compare_with_fast_clone", network=network)
    assert differences["probabilities"] <= 1e-5
    assert differences["gradients"] <= 1e-5
    assert differences["weights after 5 steps"] <= 1e-5
    assert differences["weights of the plain network before"] == 0


@pytest.mark.parametrize("network", NETWORKS)
def test_only_layers_that_are_known_are_replaced(workers, network):
    replaced = workers("jax")("layers_of_fast_clone", network=network)
    expected = {
        "cnn": {"conv1": "FastConv2D", "conv2": "FastConv2D", "pool": "FastMaxPooling2D"},
        "varied": {"same": "FastConv2D", "valid": "FastConv2D", "pool": "FastMaxPooling2D"},
    }
    assert {name: kind for name, kind in replaced.items() if kind.startswith("Fast")} == expected[network]

"""Configurations that Keras 2 wrote, in the words of Keras 3."""

import re
from typing import Any

# Keras 2 names the modules in which its classes happen to stand, those of tf_keras included.
_OLD_MODELS = re.compile(r"^(tf_)?keras\.(src\.)?(engine|models)\.(functional|sequential|training|model)$")
_OLD_LAYERS = re.compile(r"^(tf_)?keras\.(src\.)?(engine\.(base_layer|input_layer)|layers\..+)$")


def modernize(node: Any) -> Any:
    """Rename the modules and policies of Keras 2 in a configuration; leave everything else as it is."""
    if isinstance(node, list):
        return [modernize(value) for value in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: modernize(value) for key, value in node.items()}
    module = renamed.get("module")
    if renamed.get("class_name") == "Policy":
        return {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": renamed.get("config"),
            "registered_name": None,
        }
    if isinstance(module, str):
        renamed["module"] = _rename_module(module, renamed.get("class_name"))
        if renamed["module"] != module and renamed.get("registered_name") == renamed.get("class_name"):
            renamed["registered_name"] = None
    return renamed


def _rename_module(module: str, class_name: object) -> str:
    if _OLD_MODELS.match(module) and not module.startswith("keras.src.models."):
        return "keras.src.models.functional" if class_name == "Functional" else "keras"
    if _OLD_LAYERS.match(module):
        return "keras.layers"
    return module.removeprefix("tf_") if module.startswith("tf_keras.") else module

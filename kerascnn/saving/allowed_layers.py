"""The classes that the configuration of a model may name: built-in layers and operations that compute something fixed.

Not among them are Lambda, TorchModuleWrapper, TFSMLayer, StringLookup and other doors to code or files, and operations
whose result is as large as an argument says.
"""

import re

LAYERS = frozenset({
    "Activation", "ActivityRegularization", "Add", "AdditiveAttention", "AlphaDropout", "Attention", "Average",
    "AveragePooling1D", "AveragePooling2D", "BatchNormalization", "Bidirectional", "CenterCrop", "Concatenate",
    "Conv1D", "Conv2D", "Conv2DTranspose", "Cropping1D", "Cropping2D", "Dense", "DepthwiseConv2D", "Dropout", "ELU",
    "EinsumDense", "Embedding", "Flatten", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GroupNormalization", "Identity", "InputLayer", "LSTM", "LSTMCell", "LayerNormalization", "LeakyReLU",
    "Masking", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum", "MultiHeadAttention", "Multiply",
    "Normalization", "PReLU", "Permute", "RMSNormalization", "RNN", "RandomBrightness", "RandomContrast",
    "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomInvert",
    "RandomPerspective", "RandomRotation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
    "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "SeparableConv2D", "SimpleRNN", "SimpleRNNCell",
    "Softmax", "SpatialDropout1D", "SpatialDropout2D", "StackedRNNCells", "Subtract", "TimeDistributed",
    "UnitNormalization", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
})  # fmt: skip

# What Keras records for `inputs / 255.0`, `keras.ops.relu(x)`, `x[:, 0]` and the like.
ELEMENTWISE_OPERATIONS = frozenset({
    "Abs", "Absolute", "Add", "Arctan", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Divide", "DivideNoNan", "Elu",
    "Equal", "Erf", "Exp", "Expm1", "Floor", "FloorDivide", "Gelu", "Greater", "GreaterEqual", "HardShrink",
    "HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "Less", "LessEqual", "Log", "Log10", "Log1p", "Log2",
    "LogSigmoid", "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "LogicalXor", "Maximum", "Minimum", "Mod",
    "Multiply", "NanToNum", "Negative", "Normalize", "NotEqual", "OnesLike", "Power", "Reciprocal", "Relu", "Relu6",
    "Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Silu", "Sin", "Sinh", "SoftShrink", "Softmax", "Softplus",
    "Softsign", "SparsePlus", "SparseSigmoid", "Sparsemax", "Sqrt", "Square", "Squareplus", "StopGradient",
    "Subtract", "Tan", "Tanh", "TanhShrink", "Threshold", "TrueDivide", "Where", "ZerosLike",
})  # fmt: skip
SHAPING_OPERATIONS = frozenset({
    "Amax", "Amin", "Argmax", "Argmin", "Average", "Concatenate", "ExpandDims", "Flip", "GetItem", "Logsumexp", "Max",
    "Mean", "Median", "Min", "Moveaxis", "Norm", "Reshape", "Resize", "Squeeze", "Stack", "Std",
    "Sum", "Swapaxes", "Transpose", "Var",
})  # fmt: skip
OPERATIONS = ELEMENTWISE_OPERATIONS | SHAPING_OPERATIONS

MODELS = frozenset({"Functional", "Sequential", "Model"})

MODULES = re.compile(
    r"^(keras|keras\.(layers|initializers|regularizers|constraints|models|optimizers|losses|metrics|random|activations|"
    r"dtype_policies)|keras\.src\.models\.(functional|sequential|model))$"
)
OPERATION_MODULES = re.compile(r"^keras\.src\.ops\.(numpy|nn|math|core|image|linalg)$")

HELPERS = re.compile(
    r"^(DTypePolicy|__keras_tensor__|__numpy__|__tensor__|__slice__|SeedGenerator|"
    r"(Glorot|He|Lecun|Random|Truncated|VarianceScaling|Orthogonal|Zeros|Ones|Constant|Identity)\w*|L1|L2|L1L2|"
    r"(MaxNorm|NonNeg|UnitNorm|MinMaxNorm))$"
)

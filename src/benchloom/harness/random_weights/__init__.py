"""Networks of the real size with seeded random weights, for the time they take if nothing may be downloaded.

Each module is run in a working directory and writes its file there: ``python -m benchloom.harness.random_weights.resnet50_onnx``.
"""

"""Full-size networks with seeded random weights, to measure speed without a download.

Each module writes its file to the working directory: ``python -m benchloom.harness.random_weights.resnet50_onnx``.
"""

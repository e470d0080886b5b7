"""Read model files without running or importing anything that they name; shared by backends and checks."""

"""Files of models, read without running or importing anything that they name: what several backends and checks need."""

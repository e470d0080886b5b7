"""The index of components: reads repositories tolerantly and finds components quickly."""

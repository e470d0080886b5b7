"""The values that move between layers: frozen msgspec Structs, with parsing and rendering as their only behaviour."""

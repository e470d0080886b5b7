"""The values that move between layers: frozen msgspec Structs, with no behaviour but parsing and rendering of themselves."""

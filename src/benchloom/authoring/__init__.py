"""For those who write components and values: lint, JSON Schemas, reference pages, skeletons, the identity for CK and CM."""

"""Tools for authors of components: lint, JSON Schemas, reference pages, skeletons, the identity for CK and CM."""

"""Small pieces with no domain knowledge: paths, digests, durable writes, nearest names, talk to the user."""

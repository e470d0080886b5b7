"""General helpers without domain knowledge: paths, digests, durable writes, nearest names, messages to the user."""

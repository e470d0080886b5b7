"""Networks for files that contain only weights: one module each, with ``build``; imported only if chosen."""

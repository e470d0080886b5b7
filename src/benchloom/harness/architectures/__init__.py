"""Networks whose weights come without their graph: one module each, with ``build``; imported only when chosen."""

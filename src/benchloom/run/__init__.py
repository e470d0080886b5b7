"""Execute a Plan: nodes in parallel, then the program in its own process and directory."""

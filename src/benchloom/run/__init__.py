"""Execute a Plan: nodes in parallel, then the program in a process and directory of its own."""

"""The rules of lint: a module for each group, found by its name; each rule is one small function that checks one component."""

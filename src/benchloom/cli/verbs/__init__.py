"""One module per verb; each defines ``command``, a click command. A module is imported only if its verb is used."""

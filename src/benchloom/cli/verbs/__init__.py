"""One module per verb; each defines ``command``, a click command. A module is imported only when its verb is used."""

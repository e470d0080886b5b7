"""Records of runs: host facts, statistics and the files they are kept in."""

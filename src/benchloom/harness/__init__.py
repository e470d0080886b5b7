"""Drive MLPerf LoadGen over a backend. Runs inside the program's own process; imports only model, errors and base of ours."""

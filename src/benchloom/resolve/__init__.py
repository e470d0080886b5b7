"""From requirements to a Plan. Pure: no network, process, clock or environment; host facts are passed as values."""

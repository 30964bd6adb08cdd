"""How events and commands travel: the bus inside the process, the control socket between processes."""

"""Questions about what was traded, answered from the read models; beside a running session and without one."""

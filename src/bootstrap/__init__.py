"""The composition root: settings, the container, and the only place that knows every adapter."""

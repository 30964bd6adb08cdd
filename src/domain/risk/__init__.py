"""Pre-trade risk: one class a rule, the limits, and the machines that say whether opening is allowed at all."""

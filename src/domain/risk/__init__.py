"""Pre-trade risk: one class a rule, the limits, and the review that turns a ticket into an approved one."""

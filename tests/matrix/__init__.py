"""The fault matrix: every operation with every fault in every phase of a session, each cell a whole session."""

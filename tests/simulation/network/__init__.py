"""The whole program with its real adapters on one seeded event loop: virtual time, a network in memory, kills."""

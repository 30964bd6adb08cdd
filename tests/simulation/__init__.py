"""The core of the program under a seeded clock, network and scheduler, killed anywhere and started again."""

"""The commands, a module for each kind; every body imports what it works with, since ``--help`` loads them all."""

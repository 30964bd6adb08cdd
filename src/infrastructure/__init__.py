"""One adapter per port, under the port's file name; plus the simulated exchange that the adapters are tried on."""

"""What the application needs from the outside, as Protocols; one file per port, adapters under the same name."""

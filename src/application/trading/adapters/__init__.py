"""What stands between the session and the Broker port: translation, no I/O."""

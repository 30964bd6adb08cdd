"""A session of the library on an exchange behind sockets: the local one, or with --testnet Binance's demo venue."""

"""The whole program against the local exchange, over sockets, while everything goes wrong."""

"""Use cases over ports: what the product does, without knowing by which database, exchange or screen."""

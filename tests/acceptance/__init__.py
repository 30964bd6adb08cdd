"""What the product as a whole was accepted for, as code: ``make acceptance``; bounded slices of it are slow tests."""

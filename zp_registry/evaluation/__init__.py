"""How right the registry is, against labels."""

"""The probabilistic tier: pairs scored by a trained model (Splink)."""

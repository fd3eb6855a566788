"""zp-registry: one county's e-commerce entities, built nightly from what platforms report."""

__version__ = "0.1.0"

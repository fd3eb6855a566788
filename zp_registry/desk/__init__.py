"""The desk: web pages for bureau staff, over the same functions as the command line; it holds no rules of its own."""

from zp_registry.desk.app import create_app
from zp_registry.desk.server import serve

__all__ = ["create_app", "serve"]

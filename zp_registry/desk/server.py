"""The server: threads that answer, TLS where a certificate is given, the worker beside them."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from zp_registry.desk.app import create_app
from zp_registry.errors import UsageError
from zp_registry.jobs.deskwork import Worker
from zp_registry.jobs.office import Office

_HEADERS = 64 * 1024


def check(office: Office) -> None:
    """UsageError for settings with which identity data would travel in clear."""
    desk = office.settings.desk
    if (desk.certificate is None) != (desk.private_key is None):
        raise UsageError("desk.certificate and desk.private_key belong together: give both or neither")
    if desk.certificate is None and not desk.behind_proxy and not _loopback(desk.host):
        raise UsageError(f"the desk does not listen on {desk.host} in clear: give desk.certificate and desk.private_key, or "
                         "set desk.behind_proxy where a proxy speaks TLS")  # fmt: skip


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(office: Office, ready: Callable[[str], None] = lambda _address: None) -> None:
    """Serves until interrupted. ``ready`` is called with the address once connections are taken. UsageError: see
    :func:`check`, and for a port or certificate that cannot be had."""
    check(office)
    desk, worker = office.settings.desk, Worker(office)
    server = wsgi.Server((desk.host, desk.port), create_app(office, worker), numthreads=desk.threads, request_queue_size=128,
                         timeout=30, server_name="")  # fmt: skip
    server.max_request_header_size = _HEADERS
    server.max_request_body_size = 4 * office.settings.limits.max_bytes
    setattr(server, "error_log", lambda *_args, **_kwargs: None)  # noqa: B010  its messages hold request lines; ours are in the log
    try:
        if desk.certificate is not None:
            adapter = BuiltinSSLAdapter(str(desk.certificate), str(desk.private_key))
            adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
            server.ssl_adapter = adapter
        server.prepare()
    except OSError as error:
        raise UsageError(f"the desk cannot listen on {desk.host} port {desk.port}: {error.strerror or error}") from None
    worker.start()
    host, port = server.bind_addr[:2]
    ready(f"{'https' if desk.certificate else 'http'}://{f'[{host}]' if ':' in str(host) else host}:{port}/")
    try:
        server.serve()
    except KeyboardInterrupt:
        pass
    finally:
        worker.stop()
        server.stop()

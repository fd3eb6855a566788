"""Reports from platforms' interfaces: what a mapping's section ``api`` says is played over HTTP, whatever the platform.

``spec`` the section's shape · ``template`` values with placeholders · ``sign`` signatures · ``http`` one request and its caps ·
``verdict`` what an answer means and what to do next · ``pace`` rates, quotas, the circuit breaker · ``token`` tokens and their
state · ``client`` all of these together · ``paging`` positions · ``vault`` and ``store`` what stays on disk between runs ·
``reading`` pages put together · ``pull`` a whole report · ``check`` the operator's question whether it would work.
"""

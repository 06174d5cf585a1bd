"""A BMC that says to everybody who it is, and a web server that is none."""

import ssl

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from collector_core import NotAvailable
from collector_plugins.redfish import Redfish


@pytest.mark.parametrize("root", [{"RedfishVersion": "1.15.0"}, {"hello": "world"}])
async def test_a_bmc_is_found_by_the_root_of_its_service(certificate, root):
    async def answer(_):
        return web.json_response(root)

    application = web.Application()
    application.add_routes([web.get("/redfish/v1/", answer)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=context)
    try:
        if "RedfishVersion" in root:
            found = await Redfish.probe("127.0.0.1", server.port)
            url = f"https://127.0.0.1:{server.port}"
            assert found == {"name": "127.0.0.1", "url": url, "username": None, "password": None, "verify": False}
        else:
            with pytest.raises(NotAvailable):
                await Redfish.probe("127.0.0.1", server.port)
    finally:
        await server.close()

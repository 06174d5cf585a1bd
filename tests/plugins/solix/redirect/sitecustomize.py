"""Lets anker-solix-api, in a child process, take the test's cloud for Anker's, and its broker for theirs."""

import os

if url := os.environ.get("SOLIX_TEST_CLOUD"):
    from anker_solix_api import apitypes
    from anker_solix_api.mqtt import AnkerSolixMqttSession
    from anker_solix_api.session import AnkerSolixClientSession

    apitypes.API_SERVERS.update(dict.fromkeys(apitypes.API_SERVERS, url))
    AnkerSolixClientSession._api_public_key_hex = os.environ["SOLIX_TEST_KEY"]
    made = AnkerSolixMqttSession.__init__

    def init(self, *args, **options):
        made(self, *args, **options)
        self.port = int(os.environ["SOLIX_TEST_PORT"])

    AnkerSolixMqttSession.__init__ = init

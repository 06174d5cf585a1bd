"""A chain that the test grows, replaces and resets, and the JSON-RPC answers of a node that has it. No I/O."""

import hashlib
import json
from itertools import count

NOW = 1_700_000_000  # where the harness' clock begins
ALICE, TOKEN = "0x" + "a1" * 20, "0x" + "70" * 20
TRANSFER = {"from": ALICE, "to": ALICE, "input": "0x", "value": "0x1"}


def call(selector="0xa9059cbb"):
    return {"from": ALICE, "to": TOKEN, "input": selector + "00" * 64}


CREATE = {"from": ALICE, "to": None, "input": "0x60006000"}


class FakeChain:
    """Blocks as `eth_getBlockByNumber` gives them with whole transactions."""

    def __init__(self, seed="chain", start=NOW - 3600, chain_id=1337):
        self.seed, self.chain_id, self._fork = seed, chain_id, count()
        self.blocks = []
        self.add(timestamp=start)

    @property
    def head(self):
        return next(block for block in reversed(self.blocks) if block)

    @property
    def height(self):
        return int(self.head["number"], 16)

    def add(self, *transactions, seconds=12, timestamp=None, gas=None):
        """One block more, `seconds` after the last one."""
        number = len(self.blocks)
        parent = self.head["hash"] if self.blocks else "0x" + "00" * 32
        time = timestamp if timestamp is not None else int(self.head["timestamp"], 16) + seconds
        fork = 0 if number == 0 else next(self._fork)
        digest = hashlib.sha256(f"{self.seed} {number} {fork} {parent}".encode()).hexdigest()
        used = sum(21_000 if each == TRANSFER else 50_000 for each in transactions) if gas is None else gas
        self.blocks.append(
            {
                "number": hex(number),
                "hash": "0x" + digest,
                "parentHash": parent,
                "timestamp": hex(time),
                "size": hex(600 + 110 * len(transactions)),
                "gasUsed": hex(used),
                "transactions": list(transactions),
            }
        )
        return self.head

    def leave_empty(self, heights):
        """Heights without a block."""
        self.blocks += [None] * heights

    def grow(self, blocks, *transactions, seconds=12):
        for _ in range(blocks):
            self.add(*transactions, seconds=seconds)

    def drop(self, blocks):
        """Take the newest blocks away; those that are added then replace them."""
        del self.blocks[len(self.blocks) - blocks :]


class FakeNode:
    """What a node answers. `methods` are answers to others than blocks; an exception is an error object.

    `takes_batches`, `whole` (whether it gives whole transactions) are what nodes differ in.
    """

    def __init__(self, chain):
        self.chain = chain
        self.methods = {
            "eth_chainId": hex(chain.chain_id),
            "eth_syncing": False,
            "net_peerCount": "0x19",
            "txpool_status": {"pending": "0x7", "queued": "0x2"},
            "eth_getBlockTransactionCountByNumber": "0x5",
            "web3_clientVersion": "Geth/v1.16.4-stable/linux-amd64/go1.25",
        }
        self.final = None  # the height of the newest final block
        self.takes_batches = True
        self.whole = True
        self.missing = None  # what it says of a height without a block
        self.hidden = {}  # what it says instead of the block of a height
        self.asked = []

    def handle(self, message):
        """Bytes to bytes."""
        request = json.loads(message)
        if isinstance(request, dict):
            return json.dumps(self._answer(request)).encode()
        if not self.takes_batches:
            return json.dumps(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
            ).encode()
        return json.dumps([self._answer(each) for each in request]).encode()

    def _answer(self, request):
        self.asked.append((request["method"], *request["params"]))
        result = self._result(request["method"], request["params"])
        if isinstance(result, Exception):
            code = -32601 if isinstance(result, KeyError) else -32000
            return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": str(result)}}
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def _result(self, method, params):
        if method != "eth_getBlockByNumber":
            return self.methods.get(method, KeyError("the method does not exist"))
        blocks, (tag, whole) = self.chain.blocks, params
        if tag == "finalized" and self.final is None:
            return ValueError("finalized block not found")
        number = {"latest": len(blocks) - 1, "finalized": self.final}.get(tag)
        number = int(tag, 16) if number is None else number
        block = self.hidden.get(number, blocks[number]) if number < len(blocks) else None
        if block is None and number < len(blocks):
            return self.missing
        if block is None or isinstance(block, Exception) or (whole and self.whole):
            return block
        return {**block, "transactions": ["0x" + "00" * 32] * len(block["transactions"])}

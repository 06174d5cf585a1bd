"""Guests of a few bytes: sixteen-bit programs that a PC's firmware loads at 0x7c00 and starts."""


def _sector(*code: str) -> bytes:
    return bytes.fromhex(" ".join(code)).ljust(510, b"\0") + b"\x55\xaa"


IDLE = _sector(
    "fa",  # cli
    "f4 eb fd",  # 1: hlt; jmp 1b
)

BURN_ONE = _sector(
    "fa",  # cli
    "eb fe",  # 1: jmp 1b
)

# The second processor waits for a start-up message, which the first one's APIC sends; it is near 4 GiB.
BURN_TWO = _sector(
    "fa 31c0 8ed8",  # cli; xor ax, ax; mov ds, ax
    "660f0116707c",  # lgdt [0x7c70]
    "0f20c0 0c01 0f22c0",  # mov eax, cr0; or al, 1; mov cr0, eax: into protected mode
    "bb0800 8ee3",  # mov bx, 8; mov fs, bx: fs reaches all 4 GiB
    "24fe 0f22c0",  # and al, 0xfe; mov cr0, eax: back into real mode, where fs keeps its reach
    "c7060080ebfe",  # mov word [0x8000], 0xfeeb: 1: jmp 1b, for the second processor
    "66bf0003e0fe",  # mov edi, 0xfee00300: the interrupt command register
    "646766c70700450c00",  # mov dword fs:[edi], 0xc4500: INIT to all others
    "66b900008000 6649 75fc",  # mov ecx, 0x800000; 2: dec ecx; jnz 2b
    "646766c70708460c00",  # mov dword fs:[edi], 0xc4608: start at 0x8000
    "66b900008000 6649 75fc",  # mov ecx, 0x800000; 3: dec ecx; jnz 3b
    "646766c70708460c00",  # mov dword fs:[edi], 0xc4608: once more, as Intel's manual asks for
    "ebfe 909090909090",  # 4: jmp 4b; nothing up to 0x7c60
    "0000000000000000 ffff00000092cf00",  # 0x7c60: segments: none, and all memory
    "0f00 607c0000",  # 0x7c70: their size and place
)

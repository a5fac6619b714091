"""The file of contacts, as it is some days later."""

import array
import mmap

HEADER, ACCOUNT, DAY = 4096, 1 << 16, 0xffff  # common/state/contacts.h


def grow_older(stack, days):
    """Each account is known for so many days more."""
    path = stack.layout().policy.parent / "contacts"
    with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as file:
        words = array.array("Q", file[HEADER:len(file) // 8 * 8])
        accounts = [i for i, word in enumerate(words) if word & ACCOUNT]
        assert accounts
        for i in accounts:
            word = words[i] - days
            assert words[i] & DAY > days
            file[HEADER + 8 * i:HEADER + 8 * i + 8] = word.to_bytes(8, "little")

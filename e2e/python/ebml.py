"""Reads Matroska as the public consumers of GetMedia do: element by element, documents behind each other, sizes known or not.

It shares nothing with the reader of the server, so that the two cannot be wrong alike.
"""

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
TRACKS, TAGS, TIMESTAMP = 0x1654AE6B, 0x1254C367, 0xE7
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0xA3, 0xA0, 0xA1
TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x7373, 0x67C8, 0x45A3, 0x4487


def vint(data, at, marker):
    """The variable-size integer at a place, with its length marker if that belongs to the value, and where it ends."""
    first = data[at]
    length = 9 - first.bit_length()
    if length > 8:
        raise ValueError(f"no variable-size integer at {at}")
    value = int.from_bytes(data[at:at + length], "big")
    if not marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = None  # unknown
    return value, at + length


def elements(data, entered=(SEGMENT, CLUSTER)):
    """Yields (id, start, body start, body end) of each element. Those in entered yield their children next."""
    at = 0
    while at < len(data):
        start = at
        ident, at = vint(data, at, True)
        size, at = vint(data, at, False)
        if ident in entered:
            yield ident, start, at, at
            continue
        if size is None or at + size > len(data):
            raise ValueError(f"element {ident:X} at {start} goes past the end")
        yield ident, start, at, at + size
        at += size


def tags(data):
    """The names and values of a Tags element's body."""
    found, name = [], None
    for ident, _, begin, end in elements(data, (TAG, SIMPLE_TAG)):
        if ident == TAG_NAME:
            name = data[begin:end].decode()
        if ident == TAG_STRING:
            found.append((name, data[begin:end].decode()))
    return found


class Document:
    """One EBML header and what is behind it: a chunk of GetMedia, or a whole file."""

    def __init__(self):
        self.order = []  # ids in the order of the file, blocks left out
        self.before = []  # of each Tags before the first Cluster: its tags
        self.after = []  # of each Tags behind it
        self.clusters = []  # of each Cluster: its timestamp and the bodies of its blocks

    def blocks(self):
        return [block for _, blocks in self.clusters for block in blocks]

    def tag(self, name):
        values = [v for group in self.before + self.after for n, v in group if n == name]
        return values[0] if len(values) == 1 else values


def documents(data, cut=False):
    """The documents of a body. cut: the last one may end anywhere, and is left out when it does."""
    found = []
    try:
        for ident, start, begin, end in elements(data, (SEGMENT, CLUSTER, BLOCK_GROUP)):
            body = data[begin:end]
            if ident == EBML:
                found.append(Document())
            document = found[-1]
            if ident in (SIMPLE_BLOCK, BLOCK):
                document.clusters[-1][1].append(body)
                continue
            document.order.append(ident)
            if ident == CLUSTER:
                document.clusters.append([None, []])
            elif ident == TIMESTAMP and document.clusters:
                document.clusters[-1][0] = int.from_bytes(body, "big")
            elif ident == TAGS:
                (document.after if document.clusters else document.before).append(tags(body))
    except (ValueError, IndexError):
        if not cut:
            raise
        found.pop()
    return found


def clusters(data):
    """All Clusters of a body, one list whatever the documents."""
    return [cluster for document in documents(data) for cluster in document.clusters]

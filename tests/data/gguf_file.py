"""gguf_file.py - writes GGUF v3 files, and makes and decodes blocks of their weight types.

Decoders follow the formats' definitions and share nothing with the engine. Blocks of the
quantized types are not encoded from weights: their bytes are drawn at random, which uses
every bit of the format, and what they mean is computed here in float64.
"""
import struct

import numpy as np

TYPE_ID = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8,
           "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20,
           "IQ4_XS": 23, "BF16": 30, "MXFP4": 39}
# weights and bytes of a block
BLOCK = {"Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24),
         "Q8_0": (32, 34), "Q2_K": (256, 84), "Q3_K": (256, 110), "Q4_K": (256, 144),
         "Q5_K": (256, 176), "Q6_K": (256, 210), "IQ4_NL": (32, 18), "IQ4_XS": (256, 136),
         "MXFP4": (32, 17)}
IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113.])
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])


def half(b, at):
    return b[:, at:at + 2].copy().view("<f2").astype(np.float64)


def nibbles(b):
    """[n][k] bytes -> [n][2k]: low nibbles, then high ones."""
    return np.concatenate([b & 15, b >> 4], axis=1).astype(np.float64)


def bits(b, at):
    """[n][4] bytes as 32 bits, the first of them the lowest."""
    word = b[:, at:at + 4].copy().view("<u4")
    return (word >> np.arange(32, dtype=np.uint32) & 1).astype(np.float64)


def six_bit_pairs(b):
    """The 12 bytes of Q4_K and Q5_K: eight scales, eight minimums."""
    b = b.astype(np.int64)
    scale = np.concatenate([b[:, 0:4] & 63, b[:, 8:12] & 15 | b[:, 0:4] >> 6 << 4], axis=1)
    low = np.concatenate([b[:, 4:8] & 63, b[:, 8:12] >> 4 | b[:, 4:8] >> 6 << 4], axis=1)
    return scale.astype(np.float64), low.astype(np.float64)


def pairs_of_32(q):
    """[n][128] bytes: each 32 hold two groups of 32 columns, in low and high nibbles."""
    q = q.reshape(-1, 4, 1, 32)
    return np.concatenate([q & 15, q >> 4], axis=2).reshape(-1, 256).astype(np.float64)


def fours_of_32(q):
    """[n][64] bytes: each 32 hold four groups of 32 columns, in two bits each."""
    q = q.reshape(-1, 2, 1, 32)
    return np.concatenate([q >> s & 3 for s in (0, 2, 4, 6)], axis=2).reshape(-1, 256)


def ones_of_32(q):
    """[n][32] bytes: bit j of byte l is of column 32 j + l."""
    q = q.reshape(-1, 1, 32)
    return np.concatenate([q >> j & 1 for j in range(8)], axis=1).reshape(-1, 256)


def spread(x, n):
    return np.repeat(x, n, axis=1)


def decode(kind, b):
    """[n_block][bytes] -> [n_block][weights], float64."""
    if kind == "Q4_0":
        return half(b, 0) * (nibbles(b[:, 2:18]) - 8)
    if kind == "Q4_1":
        return half(b, 0) * nibbles(b[:, 4:20]) + half(b, 2)
    if kind == "Q5_0":
        return half(b, 0) * (nibbles(b[:, 6:22]) + 16 * bits(b, 2) - 16)
    if kind == "Q5_1":
        return half(b, 0) * (nibbles(b[:, 8:24]) + 16 * bits(b, 4)) + half(b, 2)
    if kind == "Q8_0":
        return half(b, 0) * b[:, 2:34].copy().view(np.int8).astype(np.float64)
    if kind == "IQ4_NL":
        return half(b, 0) * IQ4[nibbles(b[:, 2:18]).astype(int)]
    if kind == "MXFP4":
        q = nibbles(b[:, 1:17]).astype(int)
        return 2.0 ** (b[:, :1].astype(np.float64) - 127) * E2M1[q & 7] * np.where(q & 8, -1, 1)
    return decode_k(kind, b)


def decode_k(kind, b):
    if kind == "Q2_K":
        scale, low = (b[:, :16] & 15).astype(np.float64), (b[:, :16] >> 4).astype(np.float64)
        q = fours_of_32(b[:, 16:80]).astype(np.float64)
        return half(b, 80) * spread(scale, 16) * q - half(b, 82) * spread(low, 16)
    if kind == "Q3_K":
        s = b[:, 96:108].astype(np.int64)
        low = np.concatenate([s[:, :8] & 15, s[:, :8] >> 4], axis=1)
        high = np.concatenate([s[:, 8:12] >> k & 3 for k in (0, 2, 4, 6)], axis=1)
        q = fours_of_32(b[:, 32:96]).astype(np.float64) + 4.0 * ones_of_32(b[:, :32]) - 4
        return half(b, 108) * spread((low | high << 4) - 32.0, 16) * q
    if kind in ("Q4_K", "Q5_K"):
        scale, low = six_bit_pairs(b[:, 4:16])
        at = 16 if kind == "Q4_K" else 48
        q = pairs_of_32(b[:, at:at + 128])
        if kind == "Q5_K":
            q = q + 16 * ones_of_32(b[:, 16:48])
        return half(b, 0) * spread(scale, 32) * q - half(b, 2) * spread(low, 32)
    if kind == "Q6_K":
        low = b[:, :128].reshape(-1, 2, 1, 64)
        low = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 256)
        q = (low | fours_of_32(b[:, 128:192]) << 4).astype(np.float64) - 32
        return half(b, 208) * spread(b[:, 192:208].copy().view(np.int8).astype(np.float64), 16) * q
    if kind == "IQ4_XS":
        low = np.stack([b[:, 4:8] & 15, b[:, 4:8] >> 4], axis=2).reshape(-1, 8).astype(np.int64)
        word = b[:, 2:4].copy().view("<u2").astype(np.int64)
        scale = (low | (word >> 2 * np.arange(8) & 3) << 4) - 32.0
        q = np.concatenate([nibbles(b[:, 8 + 16 * i:24 + 16 * i]) for i in range(8)], axis=1)
        return half(b, 0) * spread(scale, 32) * IQ4[q.astype(int)]
    raise ValueError(kind)


# where a block has its f16 scale, its f16 minimum, and the ratio of the two that gives
# weights around zero
HALVES = {"Q4_0": (0, None, 0), "Q4_1": (0, 2, -7.5), "Q5_0": (0, None, 0), "Q5_1": (0, 2, -15.5),
          "Q8_0": (0, None, 0), "IQ4_NL": (0, None, 0), "Q2_K": (80, 82, 1.5),
          "Q3_K": (108, None, 0), "Q4_K": (0, 2, 7.5), "Q5_K": (0, 2, 15.5),
          "Q6_K": (208, None, 0), "IQ4_XS": (0, None, 0)}


def random_blocks(rng, kind, n_weight, std):
    """Random bytes whose weights have about that standard deviation; and the weights."""
    per, size = BLOCK[kind]
    b = rng.integers(0, 256, (n_weight // per, size), dtype=np.uint8)
    grow = rng.uniform(0.5, 1.5, (len(b), 1))
    if kind == "MXFP4":
        b[:, 0] = np.round(np.log2(std / 2.6 * grow[:, 0])) + 127
        return b.tobytes(), decode(kind, b).reshape(-1)
    d_at, min_at, ratio = HALVES[kind]
    for unit in (1.0, None):
        d = grow * (unit or std / decode(kind, b).std())
        b[:, d_at:d_at + 2] = d.astype("<f2").view(np.uint8).reshape(-1, 2)
        if min_at is not None:
            b[:, min_at:min_at + 2] = (d * ratio).astype("<f2").view(np.uint8).reshape(-1, 2)
    return b.tobytes(), decode(kind, b).reshape(-1)


def rounded(kind, x):
    """Weights as the plain types hold them: bytes, and what they mean."""
    if kind == "F32":
        y = x.astype("<f4")
    elif kind == "F16":
        y = x.astype("<f2")
    else:  # BF16: the upper half of an f32, to the nearest, ties to even
        u = x.astype("<f4").view("<u4")
        u = (u + 0x7FFF + (u >> 16 & 1)) >> 16
        return u.astype("<u2").tobytes(), (u << 16).astype("<u4").view("<f4").astype(np.float64)
    return y.tobytes(), y.astype(np.float64)


def tensor_bytes(rng, kind, x, std):
    """x: the weights if the type is a plain one, else only their number counts."""
    if kind in ("F32", "F16", "BF16"):
        return rounded(kind, x)
    data, y = random_blocks(rng, kind, x.size, std)
    return data, y.reshape(x.shape)


class File:
    """Collects keys and tensors; shapes are numpy's, outermost first."""

    def __init__(self):
        self.kv, self.tensors = [], []

    def key(self, name, value):
        def text(s):
            s = s.encode()
            return struct.pack("<Q", len(s)) + s
        if isinstance(value, bool):
            data = struct.pack("<I?", 7, value)
        elif isinstance(value, int):
            data = struct.pack("<II", 4, value)
        elif isinstance(value, float):
            data = struct.pack("<If", 6, value)
        else:
            data = struct.pack("<I", 8) + text(value)
        self.kv.append(text(name) + data)

    def tensor(self, name, kind, shape, data):
        self.tensors.append((name, kind, shape, data))

    def write(self, path):
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.kv)) + b"".join(self.kv)
        at, body = 0, b""
        for name, kind, shape, data in self.tensors:
            raw = name.encode()
            head += struct.pack("<Q", len(raw)) + raw + struct.pack("<I", len(shape))
            head += b"".join(struct.pack("<Q", d) for d in reversed(shape))
            head += struct.pack("<IQ", TYPE_ID[kind], at)
            data += bytes(-len(data) % 32)
            body += data
            at += len(data)
        with open(path, "wb") as f:
            f.write(head + bytes(-len(head) % 32) + body)

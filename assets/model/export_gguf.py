"""Writes a training checkpoint as a GGUF file, version 3, architecture qwen3moe.

usage: export_gguf.py RUN_DIR/ckpt.pt TOK.json OUT.gguf [f32|f16|q8_0|q4_0] [--context N]

Norm vectors and router matrices stay F32 in every file. numpy writes the file; torch only
loads the checkpoint.
"""
import argparse
import json
import struct

import numpy as np

ALIGNMENT = 32
TENSOR_TYPE = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8}
FILE_TYPE = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7}
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # types of metadata values
NORMAL, CONTROL = 1, 3  # types of tokens

DESCRIPTION = ("A small mixture-of-experts language model trained on public-domain tales, "
               "simple stories, German tales, C source, verse and arithmetic.")


def string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def value(kind, v):
    if kind == U32:
        return struct.pack("<II", U32, v)
    if kind == F32:
        return struct.pack("<If", F32, v)
    if kind == BOOL:
        return struct.pack("<IB", BOOL, int(v))
    if kind == STRING:
        return struct.pack("<I", STRING) + string(v)
    raise ValueError(f"metadata type {kind}")


def array(kind, values):
    head = struct.pack("<IIQ", ARRAY, kind, len(values))
    if kind == STRING:
        return head + b"".join(map(string, values))
    return head + np.array(values, "<i4").tobytes()


def round_half_away(x):
    return np.trunc(x + np.copysign(0.5, x))


def encode_q8_0(x):
    """32 weights: a half-precision scale, then 32 signed bytes."""
    x = x.reshape(-1, 32).astype(np.float32)
    scale = np.abs(x).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.empty((len(x), 34), np.uint8)
    out[:, :2] = scale.astype("<f2").view(np.uint8)
    out[:, 2:] = round_half_away(x * inverse).astype(np.int8).view(np.uint8)
    return out.tobytes()


def encode_q4_0(x):
    """32 weights: a half-precision scale, then 16 bytes of two unsigned nibbles, weight i
    low and weight i + 16 high; a nibble minus 8, times the scale, is the weight."""
    x = x.reshape(-1, 32).astype(np.float32)
    largest = x[np.arange(len(x)), np.abs(x).argmax(1)][:, None]
    scale = largest / np.float32(-8)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    nibble = np.minimum(15, (x * inverse + np.float32(8.5)).astype(np.int8)).astype(np.uint8)
    out = np.empty((len(x), 18), np.uint8)
    out[:, :2] = scale.astype("<f2").view(np.uint8)
    out[:, 2:] = nibble[:, :16] | (nibble[:, 16:] << 4)
    return out.tobytes()


ENCODE = {
    "f32": lambda x: x.astype("<f4").tobytes(),
    "f16": lambda x: x.astype("<f2").tobytes(),
    "q8_0": encode_q8_0,
    "q4_0": encode_q4_0,
}


def tensors(cfg, params):
    """Pairs of GGUF name and float32 array, outermost dimension first."""
    params = {k: np.asarray(v, dtype=np.float32) for k, v in params.items()}
    n_q, n_k = cfg["heads"] * cfg["hd"], cfg["kv"] * cfg["hd"]
    yield "token_embd.weight", params["emb"]
    yield "output_norm.weight", params["norm"]
    for i in range(cfg["layers"]):
        qkv, gate_up = params[f"{i}.wqkv"], params[f"{i}.wgu"]
        block = {
            "attn_norm": params[f"{i}.n1"],
            "attn_q": qkv[:n_q],
            "attn_k": qkv[n_q:n_q + n_k],
            "attn_v": qkv[n_q + n_k:],
            "attn_q_norm": params[f"{i}.qn"],
            "attn_k_norm": params[f"{i}.kn"],
            "attn_output": params[f"{i}.wo"],
            "ffn_norm": params[f"{i}.n2"],
            "ffn_gate_inp": params[f"{i}.wr"],
            "ffn_gate_exps": np.ascontiguousarray(gate_up[:, :cfg["ff"]]),
            "ffn_up_exps": np.ascontiguousarray(gate_up[:, cfg["ff"]:]),
            "ffn_down_exps": params[f"{i}.wd"],
        }
        for name, x in block.items():
            yield f"blk.{i}.{name}.weight", x


def metadata(cfg, tok, kind, context):
    """Pairs of key and encoded value."""
    n_vocab = len(tok["tokens"])
    general = {
        "architecture": (STRING, "qwen3moe"), "type": (STRING, "model"),
        "name": (STRING, "moe-tales"), "alignment": (U32, ALIGNMENT),
        "file_type": (U32, FILE_TYPE[kind]), "quantization_version": (U32, 2),
        "license": (STRING, "see MODEL_CARD.md"), "description": (STRING, DESCRIPTION),
    }
    model = {
        "vocab_size": (U32, n_vocab), "context_length": (U32, context),
        "embedding_length": (U32, cfg["d"]), "block_count": (U32, cfg["layers"]),
        "feed_forward_length": (U32, cfg["ff"] * cfg["topk"]),
        "expert_feed_forward_length": (U32, cfg["ff"]),
        "expert_count": (U32, cfg["experts"]), "expert_used_count": (U32, cfg["topk"]),
        "attention.head_count": (U32, cfg["heads"]),
        "attention.head_count_kv": (U32, cfg["kv"]),
        "attention.key_length": (U32, cfg["hd"]), "attention.value_length": (U32, cfg["hd"]),
        "attention.layer_norm_rms_epsilon": (F32, cfg["eps"]),
        "rope.freq_base": (F32, cfg["theta"]), "rope.dimension_count": (U32, cfg["hd"]),
    }
    special = [CONTROL if t == "<|endoftext|>" else NORMAL for t in tok["tokens"]]
    yield from (("general." + k, value(*v)) for k, v in general.items())
    yield from (("qwen3moe." + k, value(*v)) for k, v in model.items())
    yield "tokenizer.ggml.model", value(STRING, "gpt2")
    yield "tokenizer.ggml.pre", value(STRING, "gpt-2")
    yield "tokenizer.ggml.tokens", array(STRING, tok["tokens"])
    yield "tokenizer.ggml.token_type", array(I32, special)
    yield "tokenizer.ggml.merges", array(STRING, tok["merges"])
    yield "tokenizer.ggml.bos_token_id", value(U32, n_vocab - 1)
    yield "tokenizer.ggml.eos_token_id", value(U32, n_vocab - 1)
    yield "tokenizer.ggml.add_bos_token", value(BOOL, True)
    yield "tokenizer.ggml.add_eos_token", value(BOOL, False)


def pad(data):
    return data + bytes(-len(data) % ALIGNMENT)


def write(path, cfg, params, tok, kind, context=512):
    """Write the file; gives its size in bytes."""
    keys = [string(k) + v for k, v in metadata(cfg, tok, kind, context)]
    directory, data = [], bytearray()
    for name, x in tensors(cfg, params):
        own = "f32" if x.ndim == 1 or "gate_inp" in name else kind
        directory.append(string(name) + struct.pack("<I", x.ndim)
                         + struct.pack(f"<{x.ndim}Q", *reversed(x.shape))
                         + struct.pack("<IQ", TENSOR_TYPE[own], len(data)))
        data += pad(ENCODE[own](x))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(directory), len(keys))
    head = pad(head + b"".join(keys) + b"".join(directory))
    with open(path, "wb") as f:
        f.write(head + bytes(data))
    return len(head) + len(data)


def main():
    import torch

    args = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    args.add_argument("checkpoint")
    args.add_argument("tokenizer")
    args.add_argument("out")
    args.add_argument("type", nargs="?", default="f16", choices=TENSOR_TYPE)
    args.add_argument("--context", type=int, default=512)
    a = args.parse_args()
    ckpt = torch.load(a.checkpoint, map_location="cpu")
    params = {k: v.numpy() for k, v in ckpt["P"].items()}
    with open(a.tokenizer, encoding="utf-8") as f:
        tok = json.load(f)
    size = write(a.out, ckpt["cfg"], params, tok, a.type, a.context)
    print(f"{a.out}: {a.type}, {size} bytes, step {ckpt['step']}, {ckpt['seen']} tokens seen")


if __name__ == "__main__":
    main()

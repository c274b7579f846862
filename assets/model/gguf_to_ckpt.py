"""Turns an exported GGUF (F32, F16 or Q8_0) back into a checkpoint for train.py.

usage: gguf_to_ckpt.py MODEL.gguf RUN_DIR [TOK.json]

The optimizer starts fresh; time and steps start at zero. With a third argument the
tokenizer is written out as well.
"""
import json
import os
import struct
import sys

import numpy as np
import torch

import moe
from optimizer import Optimizer

SCALAR = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
          12: "d"}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def number(self, code):
        (v,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return v

    def string(self):
        n = self.number("Q")
        self.at += n
        return self.data[self.at - n:self.at].decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, n = self.number("I"), self.number("Q")
            return [self.value(element) for _ in range(n)]
        return self.number(SCALAR[kind])


def decode(data, kind, count, offset):
    if kind == 0:
        return np.frombuffer(data, "<f4", count, offset)
    if kind == 1:
        return np.frombuffer(data, "<f2", count, offset).astype(np.float32)
    if kind == 8:
        block = np.frombuffer(data, np.uint8, count // 32 * 34, offset).reshape(-1, 34)
        scale = block[:, :2].copy().view("<f2").astype(np.float32)
        return block[:, 2:].view(np.int8).astype(np.float32) * scale
    raise SystemExit(f"tensor type {kind} is not read here: take an F32, F16 or Q8_0 file")


def read(path):
    """Metadata as a dict, tensors as a dict of float32 arrays."""
    with open(path, "rb") as f:
        data = f.read()
    r = Reader(data)
    if data[:4] != b"GGUF":
        raise SystemExit(f"{path}: no GGUF file")
    r.at = 4
    if r.number("I") != 3:
        raise SystemExit(f"{path}: GGUF version 3 expected")
    n_tensor, n_key = r.number("Q"), r.number("Q")
    keys = {}
    for _ in range(n_key):
        name = r.string()
        keys[name] = r.value(r.number("I"))
    directory = []
    for _ in range(n_tensor):
        name = r.string()
        dims = [r.number("Q") for _ in range(r.number("I"))]
        directory.append((name, dims[::-1], r.number("I"), r.number("Q")))
    base = -(-r.at // 32) * 32
    found = {}
    for name, shape, kind, offset in directory:
        x = decode(data, kind, int(np.prod(shape)), base + offset)
        found[name] = np.array(x, np.float32).reshape(shape)
    return keys, found


def config(keys):
    def own(name):
        return keys["qwen3moe." + name]

    return dict(vocab=len(keys["tokenizer.ggml.tokens"]), d=own("embedding_length"),
                layers=own("block_count"), heads=own("attention.head_count"),
                kv=own("attention.head_count_kv"), hd=own("attention.key_length"),
                experts=own("expert_count"), topk=own("expert_used_count"),
                ff=own("expert_feed_forward_length"),
                # the file has it in single precision
                eps=float(f"{own('attention.layer_norm_rms_epsilon'):.7g}"),
                theta=own("rope.freq_base"))


def parameters(cfg, found):
    params = {"emb": found["token_embd.weight"], "norm": found["output_norm.weight"]}
    for i in range(cfg["layers"]):
        def own(name, layer=i):
            return found[f"blk.{layer}.{name}.weight"]

        params[f"{i}.n1"] = own("attn_norm")
        params[f"{i}.n2"] = own("ffn_norm")
        params[f"{i}.qn"] = own("attn_q_norm")
        params[f"{i}.kn"] = own("attn_k_norm")
        params[f"{i}.wqkv"] = np.concatenate([own("attn_q"), own("attn_k"), own("attn_v")])
        params[f"{i}.wo"] = own("attn_output")
        params[f"{i}.wr"] = own("ffn_gate_inp")
        params[f"{i}.wgu"] = np.concatenate([own("ffn_gate_exps"), own("ffn_up_exps")], 1)
        params[f"{i}.wd"] = own("ffn_down_exps")
    # in the order of a fresh model, as the optimizer's state is
    order = moe.init(dict(cfg, vocab=8))
    return {k: torch.from_numpy(np.ascontiguousarray(params[k])) for k in order}


def main():
    keys, found = read(sys.argv[1])
    cfg = config(keys)
    params = parameters(cfg, found)
    opt = Optimizer(cfg, params)
    os.makedirs(sys.argv[2], exist_ok=True)
    out = os.path.join(sys.argv[2], "ckpt.pt")
    torch.save(dict(cfg=cfg, P=params, m=opt.m, v=opt.v, t=0, elapsed=0.0, step=0, seen=0,
                    hist=[]), out)
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w", encoding="utf-8") as f:
            json.dump({"tokens": keys["tokenizer.ggml.tokens"],
                       "merges": keys["tokenizer.ggml.merges"]}, f, ensure_ascii=False)
    print("wrote", out)


if __name__ == "__main__":
    main()

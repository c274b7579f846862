"""make_cases.py - makes the reference cases in cases/: small models with random weights,
and what forward.py computes for them. Format of a case: README.md.

    python3 make_cases.py     (needs numpy; the same seeds give the same files)
"""
import json
import pathlib

import numpy as np

from forward import forward
from gguf_file import File, tensor_bytes

HERE = pathlib.Path(__file__).parent / "cases"
N_GREEDY = 8

# What every case has unless it says otherwise.
COMMON = dict(n_layer=2, n_embd=32, n_vocab=71, n_head=4, n_head_kv=2, head_dim=8, n_rot=8, n_ff=24,
              n_expert=4, n_used=2, base=10000.0, eps=1e-5, pairs="halves", score="softmax",
              n_token=24, kind="F16", n_ctx=512, keys={}, kinds={})

CASES = {
    # Mixtral, arXiv 2401.04088, section 2.1; rows of W_q and W_k interleaved by the converter
    "mixtral-f16": dict(arch="llama", pairs="adjacent", renorm=True, seed=1),
    # OLMoE, arXiv 2409.02060: norms over whole rows of q and k, weights as they are
    "olmoe-bf16": dict(arch="olmoe", kind="BF16", n_head_kv=4, n_ff=12, n_expert=7, n_used=3,
                       qk_norm="row", seed=2),
    # Qwen3, arXiv 2505.09388: norms per head, heads wider than n_embd / n_head. Every
    # quantized type of the format is somewhere in it.
    "qwen3moe-mix": dict(
        arch="qwen3moe", n_embd=256, n_head=2, n_head_kv=1, head_dim=32, n_rot=32, n_ff=32,
        n_expert=3, renorm=True, qk_norm="head", seed=3, n_token=16, kind="Q4_K",
        kinds={"token_embd": "Q6_K", "0.attn_q": "Q6_K", "0.attn_k": "Q5_0",
               "0.attn_v": "Q8_0", "1.attn_v": "Q4_0", "0.attn_out": "Q5_1", "1.attn_out": "Q4_1",
               "0.ffn_gate_e": "Q2_K", "1.ffn_gate_e": "Q5_K", "0.ffn_up_e": "Q3_K",
               "1.ffn_up_e": "IQ4_XS", "0.ffn_down": "IQ4_NL", "1.ffn_down": "MXFP4"}),
    # SmallThinker, arXiv 2507.20984, section 3; config.json of SmallThinker-4BA0.6B-Instruct
    # (sliding_window_layout, rope_layout, moe_primary_router_apply_softmax false). The
    # window of 8 is shorter than the text.
    "smallthinker-window": dict(
        arch="smallthinker", kind="BF16", n_layer=5, n_ff=8, score="sigmoid",
        renorm=True, act="relu", router_raw=True, window=8, base=1e6, n_token=40, seed=4,
        keys={"attention.sliding_window": 8, "expert_gating_func": 2}),
    # Phi-3.5-MoE, arXiv 2404.14219; LongRoPE, arXiv 2402.13753: the text's room is larger
    # than the original context, so that the long factors divide
    "phimoe-long": dict(
        arch="phimoe", n_head_kv=1, renorm=True, long=True, rope_size=1.19, biases=True, seed=5,
        n_ctx=4096, keys={"rope.scaling.original_context_length": 16,
                          "rope.scaling.attn_factor": 1.19}),
    "phimoe-short": dict(
        arch="phimoe", n_head_kv=1, renorm=True, long=False, rope_size=1.19, biases=True, seed=6,
        n_layer=1, n_ctx=4096, keys={"rope.scaling.original_context_length": 64,
                                     "rope.scaling.attn_factor": 1.19}),
    # DeepSeek-V2, arXiv 2405.04434: device-limited routing by groups of experts, scaled
    # weights without renormalising; config.json of DeepSeek-V2-Chat (rope_scaling yarn with
    # mscale_all_dim 0.707, routed_scaling_factor 16, topk_method group_limited_greedy)
    "deepseek2-yarn": dict(
        arch="deepseek2", pairs="adjacent", n_head_kv=1, n_rot=8, kv_lora=16, q_lora=24, nope=12,
        value=12, n_ff=40, n_ff_exp=16, n_expert=9, n_used=3, groups=(3, 2), weight_scale=1.6,
        shared=24, n_dense=1, eps=1e-6, n_token=32, seed=7,
        yarn=dict(orig=16, factor=8.0, fast=32.0, slow=1.0, log_mul=0.0707),
        keys={"rope.scaling.type": "yarn", "rope.scaling.factor": 8.0,
              "rope.scaling.original_context_length": 16,
              "rope.scaling.yarn_log_multiplier": 0.0707, "expert_gating_func": 1,
              "expert_weights_scale": 1.6, "expert_weights_norm": False, "expert_group_count": 3,
              "expert_group_used_count": 2, "expert_shared_count": 2,
              "leading_dense_block_count": 1, "attention.q_lora_rank": 24,
              "attention.kv_lora_rank": 16, "attention.key_length": 24,
              "attention.value_length": 16, "attention.key_length_mla": 20,
              "attention.value_length_mla": 12}),
    # Granite 3 with a shared expert (GraniteMoeShared: the routed experts' sum and the
    # shared expert are added); config.json of granite-4.0-h and granite-3.1-3b-a800m for
    # the multipliers; the output is the embedding
    "granitemoe-shared": dict(
        arch="granitemoe", pairs="adjacent", kind="Q8_0", n_ff=32, n_expert=6, n_used=3,
        score="logit", shared=32, tied=True, embd_scale=2.0, residual_scale=0.7, logit_divisor=2.0,
        attn_scale=0.25, seed=8,
        keys={"embedding_scale": 2.0, "residual_scale": 0.7, "logit_scale": 2.0,
              "attention.scale": 0.25, "expert_shared_feed_forward_length": 32}),
}


def shapes(c):
    """(name, shape, standard deviation); the order of the file."""
    e, f = c["n_embd"], c.get("n_ff_exp", c["n_ff"])
    yield "token_embd.weight", (c["n_vocab"], e), 1.0
    for il in range(c["n_layer"]):
        b = f"blk.{il}."
        yield b + "attn_norm.weight", (e,), 0.2
        yield from attention_shapes(c, b)
        yield b + "ffn_norm.weight", (e,), 0.2
        if c.get("biases"):
            yield b + "attn_norm.bias", (e,), 0.1
            yield b + "ffn_norm.bias", (e,), 0.1
        if il < c.get("n_dense", 0):
            yield from ffn_shapes(b, "", (), e, c["n_ff"])
            continue
        yield b + "ffn_gate_inp.weight", (c["n_expert"], e), 1.5 * e ** -0.5
        yield from ffn_shapes(b, "_exps", (c["n_expert"],), e, f)
        if c.get("shared"):
            yield from ffn_shapes(b, "_shexp", (), e, c["shared"])
    if "long" in c:
        yield "rope_factors_short.weight", (c["n_rot"] // 2,), 0.1
        yield "rope_factors_long.weight", (c["n_rot"] // 2,), 0.3
    yield "output_norm.weight", (e,), 0.2
    if c.get("biases"):
        yield "output_norm.bias", (e,), 0.1
        yield "output.bias", (c["n_vocab"],), 0.5
    if not c.get("tied"):
        yield "output.weight", (c["n_vocab"], e), 2 * e ** -0.5


def ffn_shapes(b, end, bank, e, f):
    yield b + f"ffn_gate{end}.weight", bank + (f, e), 1.5 * e ** -0.5
    yield b + f"ffn_up{end}.weight", bank + (f, e), 1.5 * e ** -0.5
    yield b + f"ffn_down{end}.weight", bank + (e, f), 1.5 * f ** -0.5


def attention_shapes(c, b):
    e, heads, dim = c["n_embd"], c["n_head"], c["head_dim"]
    std = 1.5 * e ** -0.5
    if "kv_lora" in c:
        lora, nope, value = c["kv_lora"], c["nope"], c["value"]
        yield b + "attn_q_a.weight", (c["q_lora"], e), std
        yield b + "attn_q_a_norm.weight", (c["q_lora"],), 0.2
        yield b + "attn_q_b.weight", (heads * (nope + c["n_rot"]), c["q_lora"]), 0.3
        yield b + "attn_kv_a_mqa.weight", (lora + c["n_rot"], e), std
        yield b + "attn_kv_a_norm.weight", (lora,), 0.2
        yield b + "attn_k_b.weight", (heads, lora, nope), 0.3
        yield b + "attn_v_b.weight", (heads, value, lora), 0.3
        yield b + "attn_output.weight", (e, heads * value), 0.2
        return
    rows = {"q": heads * dim, "k": c["n_head_kv"] * dim, "v": c["n_head_kv"] * dim}
    for s, n in rows.items():
        yield b + f"attn_{s}.weight", (n, e), std
        if c.get("biases"):
            yield b + f"attn_{s}.bias", (n,), 0.1
    if c.get("qk_norm"):
        row = c["qk_norm"] == "row"
        yield b + "attn_q_norm.weight", (rows["q"] if row else dim,), 0.2
        yield b + "attn_k_norm.weight", (rows["k"] if row else dim,), 0.2
    yield b + "attn_output.weight", (e, heads * dim), 1.5 * (heads * dim) ** -0.5
    if c.get("biases"):
        yield b + "attn_output.bias", (e,), 0.1


def kind_of(c, name, shape):
    if len(shape) < 2 or "ffn_gate_inp" in name:
        return "F32"
    for part, kind in c["kinds"].items():
        if part in name:
            return kind
    return c["kind"]


def write_keys(f, name, c):
    a = c["arch"] + "."
    f.key("general.architecture", c["arch"])
    f.key("general.name", "reference case " + name)
    keys = {"block_count": c["n_layer"], "embedding_length": c["n_embd"],
            "context_length": c["n_ctx"], "feed_forward_length": c["n_ff"],
            "attention.head_count": c["n_head"],
            "attention.head_count_kv": c["n_head_kv"], "attention.layer_norm_rms_epsilon": c["eps"],
            "rope.freq_base": c["base"], "rope.dimension_count": c["n_rot"],
            "expert_count": c["n_expert"], "expert_used_count": c["n_used"]}
    if "n_ff_exp" in c or c["arch"] in ("qwen3moe", "smallthinker"):
        keys["expert_feed_forward_length"] = c.get("n_ff_exp", c["n_ff"])
    if c["head_dim"] * c["n_head"] != c["n_embd"]:
        keys["attention.key_length"] = keys["attention.value_length"] = c["head_dim"]
    keys.update(c["keys"])
    for k, v in keys.items():
        f.key(a + k, v)


def draw(c, f):
    rng = np.random.default_rng(c["seed"])
    w = {}
    for name, shape, std in shapes(c):
        kind = kind_of(c, name, shape)
        one = name.endswith("norm.weight") or "rope_factors" in name
        x = rng.standard_normal(shape) * std + (1 if one else 0)
        data, w[name] = tensor_bytes(rng, kind, np.abs(x) if "rope_factors" in name else x, std)
        f.tensor(name, kind, shape, data)
    return w, rng.integers(0, c["n_vocab"], c["n_token"]).tolist()


def make(name, c):
    """False where a choice hangs on the last bits, which would make a bad test."""
    where = HERE / name
    where.mkdir(parents=True, exist_ok=True)
    f = File()
    write_keys(f, name, c)
    w, prompt = draw(c, f)
    f.write(where / "model.gguf")

    logits, routing = forward(c, w, prompt)
    ids, gaps = list(prompt), []
    for _ in range(N_GREEDY):
        last = forward(c, w, ids)[0][-1]
        ids.append(int(last.argmax()))
        gaps.append(float(np.diff(np.sort(last)[-2:])[0]))
    margin = min(min(m) for _, _, m in routing)
    if margin < 2e-4 or min(gaps) < 5e-3:
        return False

    logits.astype("<f4").tofile(where / "logits.f32")
    short = lambda rows: [[round(v, 7) for v in r] for r in rows]
    layers = [dict(layer=c.get("n_dense", 0) + i, ids=r[0], weights=short(r[1]),
                   margin=[round(m, 6) for m in r[2]]) for i, r in enumerate(routing)]
    for file, what in (("tokens", dict(prompt=prompt)), ("routing", dict(layers=layers)),
                       ("greedy", dict(ids=ids[len(prompt):], gap=gaps))):
        (where / f"{file}.json").write_text(json.dumps(what, separators=(",", ":")) + "\n")
    size = (where / "model.gguf").stat().st_size
    print(f"{name:22} {size:7} bytes, logits std {logits.std():.2f}, "
          f"least margin {margin:.1g}, gap {min(gaps):.2g}")
    return True


if __name__ == "__main__":
    for case_name, case in CASES.items():
        case = {**COMMON, **case}
        while not make(case_name, case):
            case["seed"] += 10
